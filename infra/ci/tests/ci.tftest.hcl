# The account's identity provider, what is handed to GitHub, and the inputs that must be refused. Without AWS.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/ci/a-policy" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/ci/a-role" }
  }
}

variables {
  project    = "devops-app"
  owner      = "devops-team"
  region     = "us-east-1"
  repository = "acme/shop"
  environments = {
    test    = { pushes_images = true }
    qa      = { before = "test", opens = "staging" }
    staging = { before = "qa", state_bucket = "acme-states-staging" }
    prod    = { before = "staging" }
  }
}

run "account" {
  assert {
    condition     = one(aws_iam_openid_connect_provider.github[*].url) == "https://token.actions.githubusercontent.com" && tolist(one(aws_iam_openid_connect_provider.github[*].client_id_list)) == tolist(["sts.amazonaws.com"])
    error_message = "The identity provider must be GitHub's, for AWS's audience."
  }

  assert {
    condition     = { for name, roles in jsondecode(output.github_roles) : name => keys(roles) } == { for name in ["prod", "qa", "staging", "test"] : name => ["deploy", "plan"] }
    error_message = "TOWPATH_ROLES must have two roles for each environment: ${output.github_roles}"
  }

  assert {
    condition     = local.environments.staging.state_bucket == "acme-states-staging" && local.environments.prod.state_bucket == "devops-app-terraform-state-prod" && local.environments.prod.lock_table == "terraform-lock-prod"
    error_message = "Bucket and table follow the pattern unless they are given: ${jsonencode(local.environments)}"
  }

  assert {
    condition     = local.subject_prefix == "repo:acme/shop"
    error_message = "The subject begins with the repository's name: ${local.subject_prefix}"
  }
}

run "provider_that_is_there" {
  variables {
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    subject_prefix    = "repo:acme-123456/shop-456789"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && local.provider_arn == var.oidc_provider_arn
    error_message = "An account has room for one provider of an issuer; a given one must be used."
  }

  assert {
    condition     = local.subject_prefix == "repo:acme-123456/shop-456789"
    error_message = "A subject with ids must be taken as it is: ${local.subject_prefix}"
  }
}

run "words_that_are_wrong" {
  command = plan

  variables {
    project           = "Devops_App"
    owner             = ""
    region            = "virginia"
    repository        = "acme/*"
    subject_prefix    = "repo:acme/shop:environment:*"
    repository_id     = "shop"
    branch            = "*"
    registry_account  = "42"
    oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.com"
  }

  expect_failures = [
    var.project,
    var.owner,
    var.region,
    var.repository,
    var.subject_prefix,
    var.repository_id,
    var.branch,
    var.registry_account,
    var.oidc_provider_arn,
  ]
}

run "a_branch_as_a_ref" {
  command = plan

  variables {
    branch = "refs/heads/main"
  }

  expect_failures = [var.branch]
}

run "no_environment" {
  command = plan

  variables {
    environments = {}
  }

  expect_failures = [var.environments]
}

run "environments_whose_names_overlap" {
  command = plan

  variables {
    environments = { prod = {}, prod-eu = {} }
  }

  expect_failures = [var.environments]
}

run "an_environment_before_that_is_not_there" {
  command = plan

  variables {
    environments = { qa = { before = "test" } }
  }

  expect_failures = [var.environments]
}

run "an_environment_before_itself" {
  command = plan

  variables {
    environments = { qa = { before = "qa" } }
  }

  expect_failures = [var.environments]
}

run "opens_an_environment_that_is_not_next" {
  command = plan

  variables {
    environments = { test = { opens = "staging" }, qa = { before = "test" }, staging = { before = "qa" } }
  }

  expect_failures = [var.environments]
}

run "two_that_build" {
  command = plan

  variables {
    environments = { test = { pushes_images = true }, qa = { pushes_images = true } }
  }

  expect_failures = [var.environments]
}
