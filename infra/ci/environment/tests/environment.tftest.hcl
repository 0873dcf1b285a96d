# Who gets in and what they may do, read off the policies themselves, without AWS.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/ci/devops-app-qa-boundary" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/ci/devops-app-qa-role" }
  }
}

variables {
  project           = "devops-app"
  environment       = "qa"
  region            = "us-east-1"
  state_bucket      = "devops-app-terraform-state-qa"
  lock_table        = "terraform-lock-qa"
  before            = { name = "test", state_bucket = "devops-app-terraform-state-test", lock_table = "terraform-lock-test" }
  opens             = null
  registry_account  = null
  registry_region   = "us-east-1"
  pushes_images     = false
  oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  issuer            = "token.actions.githubusercontent.com"
  subject_prefix    = "repo:acme/shop"
  repository_id     = null
  branch            = "main"
}

run "qa" {
  # Who gets in.

  assert {
    condition = jsondecode(aws_iam_role.deploy.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Federated = var.oidc_provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:ref" = "refs/heads/main"
        "token.actions.githubusercontent.com:sub" = "repo:acme/shop:environment:qa"
      } }
    }]
    error_message = "Only this repository's GitHub environment qa may deploy, from main: ${aws_iam_role.deploy.assume_role_policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition == { StringEquals = {
      "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:sub" = ["repo:acme/shop:environment:plan-qa", "repo:acme/shop:ref:refs/heads/main"]
    } }
    error_message = "Plans come from the GitHub environment plan-qa or from main: ${aws_iam_role.plan.assume_role_policy}"
  }

  assert {
    condition     = !strcontains("${aws_iam_role.deploy.assume_role_policy}${aws_iam_role.plan.assume_role_policy}", "*") && !strcontains("${aws_iam_role.deploy.assume_role_policy}${aws_iam_role.plan.assume_role_policy}", "StringLike")
    error_message = "No pattern in a trust policy."
  }

  assert {
    condition     = aws_iam_role.deploy.path == "/ci/" && aws_iam_role.plan.path == "/ci/" && alltrue([for policy in aws_iam_policy.this : policy.path == "/ci/"])
    error_message = "What CI is given lies under /ci/, out of its own reach."
  }

  # Planning changes nothing.

  assert {
    condition     = keys(aws_iam_role_policy_attachment.plan) == ["plan", "read"]
    error_message = "The plan role has ${jsonencode(keys(aws_iam_role_policy_attachment.plan))}."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.this["read"].policy).Statement : [
        for action in flatten([statement.Action]) : can(regex("^[a-z0-9-]+:(Describe|Get|List|FilterLogEvents$|BatchGetImage$|BatchCheckLayerAvailability$)", action))
      ]
    ]))
    error_message = "The policy \"read\" has an action that writes."
  }

  assert {
    condition = jsondecode(aws_iam_policy.this["plan"].policy).Statement == [
      {
        Sid      = "LockState"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "arn:aws:s3:::devops-app-terraform-state-qa/terraform.tfstate.tflock"
      },
      {
        Sid      = "LockStateInTable"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
        Resource = "arn:aws:dynamodb:us-east-1:123456789012:table/terraform-lock-qa"
        Condition = {
          "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["devops-app-terraform-state-qa/terraform.tfstate"] }
          Null                        = { "dynamodb:LeadingKeys" = "false" }
        }
      },
    ]
    error_message = "A plan writes its two locks and nothing else: ${aws_iam_policy.this["plan"].policy}"
  }

  # Nothing beyond the environment.

  assert {
    condition     = keys(aws_iam_role_policy_attachment.deploy) == ["network", "read", "roles", "service", "state"]
    error_message = "The deploy role has ${jsonencode(keys(aws_iam_role_policy_attachment.deploy))}."
  }

  # Every Allow names this environment, or asks for its tags, or is among the few that AWS offers for "*" only.
  assert {
    condition = alltrue(flatten([
      for name, policy in aws_iam_policy.this : [
        for statement in jsondecode(policy.policy).Statement :
        anytrue([
          statement.Effect == "Deny",
          contains(["Describe", "OldTaskDefinition", "ServiceLinkedRoles", "ReadImages", "PushImages"], statement.Sid),
          endswith(statement.Sid, "Before"),
          can(statement.Condition.ArnEquals["ecs:cluster"]),
          try(statement.Condition.StringEquals["aws:RequestTag/Environment"] == "qa" && statement.Condition.StringEquals["aws:RequestTag/Project"] == "devops-app", false),
          try(statement.Condition.StringEquals["aws:ResourceTag/Environment"] == "qa" && statement.Condition.StringEquals["aws:ResourceTag/Project"] == "devops-app", false),
          alltrue([for resource in flatten([statement.Resource]) : can(regex("devops-app-qa[-:]|[/]devops-app-qa$|[/]devops-app-qa:[*]$|/devops-app/qa/|-qa$|-state-qa/", resource))]),
        ])
      ]
    ]))
    error_message = "A statement reaches beyond devops-app-qa: ${jsonencode({ for name, policy in aws_iam_policy.this : name => [for statement in jsondecode(policy.policy).Statement : "${statement.Sid}: ${jsonencode(statement.Resource)}" if statement.Effect == "Allow"] })}"
  }

  # Wildcards in actions: reading, and the load balancer by its name.
  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_policy.this : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in flatten([statement.Action]) :
          statement.Effect == "Deny" || !strcontains(action, "*") || contains(["application-autoscaling:Describe*", "ec2:Describe*", "elasticloadbalancing:Describe*", "elasticloadbalancing:*"], action)
        ]
      ]
    ]))
    error_message = "An action has a wildcard that nobody decided on."
  }

  assert {
    condition     = !strcontains(join("", values(aws_iam_policy.this)[*].policy), "ecs:ExecuteCommand") && !strcontains(join("", values(aws_iam_policy.this)[*].policy), "ecs:RunTask")
    error_message = "CI opens no shell in a task."
  }

  assert {
    condition     = alltrue([for name, policy in aws_iam_policy.this : length(policy.policy) <= 6144])
    error_message = "IAM allows 6144 characters: ${jsonencode({ for name, policy in aws_iam_policy.this : name => length(policy.policy) })}"
  }

  # The ledger is written once; the root's own state (another key of the bucket) is out of reach.
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.this["state"].policy).Statement :
      !contains(flatten([statement.Action]), "s3:DeleteObject") || statement.Resource == "arn:aws:s3:::devops-app-terraform-state-qa/terraform.tfstate.tflock"
    ]) && !strcontains(aws_iam_policy.this["state"].policy, "state-qa/*")
    error_message = "Only the lock file may be deleted, and only state and ledger be written: ${aws_iam_policy.this["state"].policy}"
  }

  # Roles within the boundary.

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.this["roles"].policy).Statement : statement if statement.Sid == "WriteBoundedRoles"] == [{
      Sid    = "WriteBoundedRoles"
      Effect = "Allow"
      Action = ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"]
      Resource = [
        "arn:aws:iam::123456789012:role/devops-app-qa-ecs-execution-role",
        "arn:aws:iam::123456789012:role/devops-app-qa-flow-log-role",
        "arn:aws:iam::123456789012:role/devops-app-qa-ecs-task-role",
      ]
      Condition = { ArnEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/ci/devops-app-qa-boundary" } }
    }]
    error_message = "Permissions are given to bounded roles of this environment only: ${aws_iam_policy.this["roles"].policy}"
  }

  assert {
    condition = length(setsubtract(
      ["iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy", "iam:CreatePolicy*"],
      flatten([for statement in jsondecode(aws_iam_policy.this["roles"].policy).Statement : statement.Action if statement.Effect == "Deny" && statement.Resource == "*"])
    )) == 0
    error_message = "What widens permissions must be denied outright."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.this["roles"].policy).Statement :
      can(statement.Condition.StringEquals["iam:PassedToService"]) if statement.Effect == "Allow" && contains(flatten([statement.Action]), "iam:PassRole")
    ])
    error_message = "Roles are passed to the two services that need them."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : [
        for action in statement.Action : !can(regex("^(iam|sts|organizations|s3|dynamodb):|[*]", action))
      ]
    ]))
    error_message = "The boundary must hold no identity, state or ledger action and no wildcard: ${aws_iam_policy.boundary.policy}"
  }

  # The environment before is read, the next one out of reach, and images are pushed by the first.

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.this["state"].policy).Statement : statement.Sid if endswith(statement.Sid, "Before")] == [
      "FindLedgerBefore", "ReadLedgerBefore", "ReadLockBefore", "ReadServiceBefore", "ListTasksBefore",
    ]
    error_message = "A promotion reads the ledger and the health of the environment before."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.this["state"].policy).Statement : [
        for action in flatten([statement.Action]) : can(regex(":(Get|List|Describe)", action))
      ] if endswith(statement.Sid, "Before")
    ]))
    error_message = "The environment before is read, never written."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.this["state"].policy, "staging")
    error_message = "Without a promotion that opens by itself the next environment is out of reach."
  }

  assert {
    condition     = !strcontains(join("", values(aws_iam_policy.this)[*].policy), "ecr:PutImage")
    error_message = "An image is built once, for the first environment."
  }
}

run "qa_with_options" {
  variables {
    repository_id    = "4711"
    registry_account = "222222222222"
    registry_region  = "eu-west-1"
    opens            = { name = "staging", state_bucket = "devops-app-terraform-state-staging", lock_table = "terraform-lock-staging" }
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.deploy, aws_iam_role.plan] :
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:repository_id"] == "4711"
    ])
    error_message = "A repository's number must be asked of both roles."
  }

  assert {
    condition     = strcontains(aws_iam_policy.boundary.policy, "arn:aws:ecr:eu-west-1:222222222222:repository/devops-app")
    error_message = "Images come from the registry's account and region."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.this["state"].policy).Statement : statement.Resource if endswith(statement.Sid, "Next")] == [
      "arn:aws:s3:::devops-app-terraform-state-staging",
      "arn:aws:s3:::devops-app-terraform-state-staging/ledger/*",
      "arn:aws:dynamodb:us-east-1:123456789012:table/terraform-lock-staging",
    ]
    error_message = "Opening a promotion takes the next environment's ledger and nothing else of it."
  }
}

run "first_environment" {
  variables {
    before        = null
    pushes_images = true
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.this["state"].policy).Statement : statement.Resource if statement.Sid == "PushImages"] == ["arn:aws:ecr:us-east-1:123456789012:repository/devops-app"]
    error_message = "The first environment pushes to the project's repository."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.this["state"].policy, "Before")
    error_message = "There is nothing before the first environment."
  }
}

# The longest names that the load balancer's limit of 32 characters leaves room for.
run "long_names_fit" {
  variables {
    project      = "a-rather-long-project"
    environment  = "staging"
    state_bucket = "a-rather-long-project-terraform-state-staging"
    lock_table   = "terraform-lock-staging"
  }

  assert {
    condition     = alltrue([for policy in aws_iam_policy.this : length(policy.policy) <= 6144])
    error_message = "IAM allows 6144 characters: ${jsonencode({ for name, policy in aws_iam_policy.this : name => length(policy.policy) })}"
  }
}
