# Written by `towpath sync` from towpath.config.ts.
bucket         = "flask-example-terraform-state-test"
key            = "terraform.tfstate"
region         = "us-east-1"
encrypt        = true
use_lockfile   = true
dynamodb_table = "terraform-lock-test"
