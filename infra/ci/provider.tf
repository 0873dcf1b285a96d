# Versions, where the state is, and the tags of everything that CI is given in this account.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # The state bucket of one of the account's environments, under a key of its own; see README.md.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = var.project
      Owner       = var.owner
      CreatedBy   = "terraform"
      ManagedBy   = "terraform"
      Application = "ci"
    }
  }
}
