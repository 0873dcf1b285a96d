# The roles that the environment's Terraform makes. The deploy role may write them only while they carry the boundary
# below: whatever a change in the repository puts into them, they can't do more than the boundary says.

locals {
  role_arns = {
    execution = "arn:${local.partition}:iam::${local.account}:role/${local.name}-ecs-execution-role"
    task      = "arn:${local.partition}:iam::${local.account}:role/${local.name}-ecs-task-role"
    flow_log  = "arn:${local.partition}:iam::${local.account}:role/${local.name}-flow-log-role"
  }

  role_statements = [
    {
      Sid       = "WriteBoundedRoles"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"]
      Resource  = values(local.role_arns)
      Condition = { ArnEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }
    },
    {
      # Not UpdateAssumeRolePolicy: who may use a role is an administrator's to change.
      Sid      = "KeepRoles"
      Effect   = "Allow"
      Action   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"]
      Resource = values(local.role_arns)
    },
    {
      Sid       = "PassToTasks"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = [local.role_arns.execution, local.role_arns.task]
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
    {
      Sid       = "PassToFlowLogs"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = local.role_arns.flow_log
      Condition = { StringEquals = { "iam:PassedToService" = "vpc-flow-logs.amazonaws.com" } }
    },
    {
      # Made by AWS's services for themselves on first use in an account; their policies are AWS's.
      Sid       = "ServiceLinkedRoles"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/*"
      Condition = { StringEquals = { "iam:AWSServiceName" = ["ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com"] } }
    },
    {
      Sid    = "NeverWiden"
      Effect = "Deny"
      Action = [
        "iam:AttachRolePolicy",
        "iam:CreatePolicy*",
        "iam:DeletePolicy*",
        "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
        "iam:UpdateAssumeRolePolicy",
        "iam:*OpenIDConnectProvider*",
        "iam:*User*",
        "iam:*AccessKey*",
      ]
      Resource = "*"
    },
    {
      Sid      = "NeverTouchCi"
      Effect   = "Deny"
      Action   = ["iam:CreateRole", "iam:DeleteRole", "iam:PutRole*", "iam:TagRole", "iam:UpdateRole*", "iam:PassRole", "sts:AssumeRole"]
      Resource = "arn:${local.partition}:iam::${local.account}:role${local.path}*"
    },
  ]
}

resource "aws_iam_policy" "boundary" {
  name        = "${local.name}-boundary"
  path        = local.path
  description = "The most that a role of ${local.name} can do, whatever its own policies say"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "NoResourceLevel"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken", "logs:DescribeLogGroups", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
        Resource = "*"
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = local.arn.repository
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        Resource = local.arn.log_groups
      },
      {
        Sid      = "ReadParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = local.arn.parameters
      },
    ]
  })

  tags = { Name = "${local.name}-boundary", Environment = var.environment }
}
