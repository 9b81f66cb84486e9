"""The guarded client of registries other than ECR: asks, without credentials, whether an image is there."""
