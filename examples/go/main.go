package main

import (
	"github.com/astro-deployment-runtime/astro-deployment-runtime/sdk/go/astro"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		dataEng, err := astro.NewDeploymentRuntime(ctx, "data-eng", &astro.DeploymentRuntimeArgs{
			ReleaseName:    pulumi.String("galactic-stars-1234"),
			RuntimeVersion: pulumi.String("5.0.4"),
			Image:          pulumi.String("registry.example.com/data-eng/airflow:{distribution}-{version}"),
			Strategy:       astro.StrategyCertifiedFirst,
		})
		if err != nil {
			return err
		}
		ctx.Export("path", dataEng.Path)
		ctx.Export("runs", dataEng.CurrentVersion)
		return nil
	})
}
