# Paths and write-only values of the parameters, without AWS.

mock_provider "aws" {}

variables {
  project     = "devops-app"
  environment = "prod"
  names       = ["app-secret", "db-password"]
  secrets     = { app-secret = "one", db-password = "two" }
}

run "parameters" {
  assert {
    condition     = output.parameter_names == tolist(["/devops-app/prod/app-secret", "/devops-app/prod/db-password"])
    error_message = "Parameters are ${jsonencode(output.parameter_names)}; they must be /<project>/<environment>/<name>."
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.this : parameter.type == "SecureString" && parameter.overwrite])
    error_message = "Parameters must be SecureStrings that take over a value set before."
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.this : parameter.value_wo == null && parameter.value_wo_version == 1])
    error_message = "A value must be write-only and its version fixed, so that no later run overwrites it."
  }

  assert {
    condition     = output.parameter_arns["app-secret"] == aws_ssm_parameter.this["app-secret"].arn
    error_message = "ARNs must be found by the secret's name."
  }
}

run "a_later_plan_needs_no_values" {
  command = plan

  variables {
    secrets = {}
  }

  assert {
    condition     = alltrue([for name, parameter in aws_ssm_parameter.this : parameter.arn == run.parameters.parameter_arns[name]])
    error_message = "A plan without values must leave the parameters as they are."
  }
}

run "no_secrets" {
  variables {
    names   = []
    secrets = {}
  }

  assert {
    condition     = length(aws_ssm_parameter.this) == 0 && length(output.parameter_names) == 0
    error_message = "A service without secrets needs no parameters."
  }
}

run "bad_names" {
  command = plan

  variables {
    names = ["App_Secret"]
  }

  expect_failures = [var.names]
}
