# Lets GitHub Actions into this account without stored keys: the identity provider, and two roles for each environment.
# Applied by an administrator, once for each account; no role made here may change anything made here.

locals {
  issuer         = "token.actions.githubusercontent.com"
  provider_arn   = coalesce(var.oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))
  subject_prefix = coalesce(var.subject_prefix, "repo:${var.repository}")

  # The patterns of towpath/src/domain/names.ts.
  environments = {
    for name, environment in var.environments : name => {
      name         = name
      state_bucket = coalesce(environment.state_bucket, "${var.project}-terraform-state-${name}")
      lock_table   = coalesce(environment.lock_table, "terraform-lock-${name}")
    }
  }
}

# An account has room for one provider of an issuer. AWS checks the issuer's certificate by itself: no thumbprints.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]

  tags = { Name = "${var.project}-github-actions" }
}

module "environment" {
  source   = "./environment"
  for_each = var.environments

  project           = var.project
  environment       = each.key
  region            = var.region
  state_bucket      = local.environments[each.key].state_bucket
  lock_table        = local.environments[each.key].lock_table
  before            = try(local.environments[each.value.before], null)
  opens             = try(local.environments[each.value.opens], null)
  registry_account  = var.registry_account
  registry_region   = coalesce(var.registry_region, var.region)
  pushes_images     = each.value.pushes_images
  oidc_provider_arn = local.provider_arn
  issuer            = local.issuer
  subject_prefix    = local.subject_prefix
  repository_id     = var.repository_id
  branch            = var.branch
}
