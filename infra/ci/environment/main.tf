# Who gets in, as what: one role that plans, one that deploys. What they may do is in the other files of this folder.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name      = "${var.project}-${var.environment}"
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  # A path of its own: no permission that ends in the project's name reaches these roles and policies.
  path = "/ci/"

  identity_conditions = merge(
    { "${var.issuer}:aud" = "sts.amazonaws.com" },
    var.repository_id == null ? {} : { "${var.issuer}:repository_id" = var.repository_id },
  )

  # The branch counts whatever the GitHub environment's own protection says.
  main_branch = { "${var.issuer}:ref" = "refs/heads/${var.branch}" }

  trust = {
    # From a pull request only through the GitHub environment "plan-<environment>", which can ask for a reviewer first;
    # from the main branch always.
    plan = merge(local.identity_conditions, {
      "${var.issuer}:sub" = ["${var.subject_prefix}:environment:plan-${var.environment}", "${var.subject_prefix}:ref:refs/heads/${var.branch}"]
    })
    deploy = merge(local.identity_conditions, local.main_branch, {
      "${var.issuer}:sub" = "${var.subject_prefix}:environment:${var.environment}"
    })
  }

  trust_documents = {
    for role, conditions in local.trust : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = var.oidc_provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = { StringEquals = conditions }
      }]
    })
  }
}

resource "aws_iam_role" "plan" {
  name                 = "${local.name}-plan"
  path                 = local.path
  description          = "GitHub Actions plans ${local.name}: reads it, changes nothing but the state lock"
  assume_role_policy   = local.trust_documents.plan
  max_session_duration = 3600

  tags = { Name = "${local.name}-plan", Environment = var.environment }
}

resource "aws_iam_role" "deploy" {
  name                 = "${local.name}-deploy"
  path                 = local.path
  description          = "GitHub Actions deploys ${local.name}"
  assume_role_policy   = local.trust_documents.deploy
  max_session_duration = 7200

  tags = { Name = "${local.name}-deploy", Environment = var.environment }
}

locals {
  # IAM allows 6144 characters in one policy, hence several.
  policies = {
    read    = local.read_statements
    plan    = local.plan_statements
    state   = local.state_statements
    network = local.network_statements
    service = local.service_statements
    roles   = local.role_statements
  }

  attachments = {
    plan   = ["read", "plan"]
    deploy = ["read", "state", "network", "service", "roles"]
  }
}

resource "aws_iam_policy" "this" {
  for_each = local.policies

  name        = "${local.name}-${each.key}"
  path        = local.path
  description = "CI of ${local.name}: ${each.key}"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })

  tags = { Name = "${local.name}-${each.key}", Environment = var.environment }

  lifecycle {
    precondition {
      condition     = length(jsonencode({ Version = "2012-10-17", Statement = each.value })) <= 6144
      error_message = "Policy ${local.name}-${each.key} has ${length(jsonencode({ Version = "2012-10-17", Statement = each.value }))} characters; IAM allows 6144. Shorten the names of project or environment."
    }
  }
}

resource "aws_iam_role_policy_attachment" "plan" {
  for_each = toset(local.attachments.plan)

  role       = aws_iam_role.plan.name
  policy_arn = aws_iam_policy.this[each.key].arn
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = toset(local.attachments.deploy)

  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.this[each.key].arn
}
