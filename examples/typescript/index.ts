import * as astro from "@pulumi/astro";

const dataEng = new astro.DeploymentRuntime("data-eng", {
    releaseName: "galactic-stars-1234",
    runtimeVersion: "5.0.4",
    image: "registry.example.com/data-eng/airflow:{distribution}-{version}",
    strategy: astro.Strategy.CertifiedFirst,
});

export const path = dataEng.path;
export const runs = dataEng.currentVersion;
