"""The plugin process, which the engine starts: its gRPC server and Pulumi's dynamic protocol."""
