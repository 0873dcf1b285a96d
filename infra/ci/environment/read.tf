# What planning and deploying both read, and what a plan locks.

locals {
  state_key = "terraform.tfstate"

  arn = {
    bucket          = "arn:${local.partition}:s3:::${var.state_bucket}"
    table           = "arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${var.lock_table}"
    repository      = "arn:${local.partition}:ecr:${var.registry_region}:${coalesce(var.registry_account, local.account)}:repository/${var.project}"
    parameters      = "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/${var.project}/${var.environment}/*"
    cluster         = "arn:${local.partition}:ecs:${var.region}:${local.account}:cluster/${local.name}-ecs-cluster"
    services        = "arn:${local.partition}:ecs:${var.region}:${local.account}:service/${local.name}-ecs-cluster/*"
    tasks           = "arn:${local.partition}:ecs:${var.region}:${local.account}:task/${local.name}-ecs-cluster/*"
    task_definition = "arn:${local.partition}:ecs:${var.region}:${local.account}:task-definition/${local.name}-ecs-task:*"
    topic           = "arn:${local.partition}:sns:${var.region}:${local.account}:${local.name}-alarms"
    alarms          = "arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:${local.name}-*"
    dashboards      = "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${local.name}-*"
    rules           = "arn:${local.partition}:events:${var.region}:${local.account}:rule/${local.name}-*"
    log_groups = flatten([
      for group in ["/ecs/${local.name}", "/vpc/${local.name}-flow-log"] : [
        "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:${group}",
        "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:${group}:*",
      ]
    ])
  }

  read_statements = [
    {
      # Names, tags and settings; none of these actions has resource-level permissions, and none shows content.
      Sid    = "Describe"
      Effect = "Allow"
      Action = [
        "application-autoscaling:Describe*",
        "application-autoscaling:ListTagsForResource",
        "cloudwatch:DescribeAlarms",
        "ec2:Describe*",
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTaskDefinitions",
        "elasticloadbalancing:Describe*",
        "logs:DescribeLogGroups",
        "sns:GetSubscriptionAttributes",
        "ssm:DescribeParameters",
      ]
      Resource = "*"
    },
    {
      Sid    = "ReadService"
      Effect = "Allow"
      Action = ["ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTagsForResource"]
      Resource = [
        local.arn.cluster, local.arn.services, local.arn.tasks, local.arn.task_definition,
      ]
    },
    {
      Sid       = "ListTasks"
      Effect    = "Allow"
      Action    = ["ecs:ListTasks", "ecs:ListServices"]
      Resource  = "*"
      Condition = { ArnEquals = { "ecs:cluster" = local.arn.cluster } }
    },
    {
      Sid      = "ReadMonitoring"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule", "sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:ListSubscriptionsByTopic"]
      Resource = [local.arn.alarms, local.arn.dashboards, local.arn.rules, local.arn.topic]
    },
    {
      Sid      = "ReadLogs"
      Effect   = "Allow"
      Action   = ["logs:GetLogEvents", "logs:FilterLogEvents", "logs:DescribeLogStreams", "logs:DescribeMetricFilters", "logs:ListTagsForResource"]
      Resource = local.arn.log_groups
    },
    {
      # Terraform reads a SecureString with its value whenever it refreshes one; see README.md, "What the plan role sees".
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:ListTagsForResource"]
      Resource = local.arn.parameters
    },
    {
      Sid      = "ReadRoles"
      Effect   = "Allow"
      Action   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRoleTags"]
      Resource = values(local.role_arns)
    },
    {
      Sid      = "ReadImages"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer"]
      Resource = local.arn.repository
    },
    {
      Sid      = "FindState"
      Effect   = "Allow"
      Action   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketTagging", "s3:GetBucketVersioning"]
      Resource = local.arn.bucket
    },
    {
      Sid      = "ReadState"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = ["${local.arn.bucket}/${local.state_key}", "${local.arn.bucket}/${local.state_key}.tflock", "${local.arn.bucket}/ledger/*"]
    },
    {
      Sid      = "ReadLocks"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:ListTagsOfResource"]
      Resource = local.arn.table
    },
  ]

  plan_statements = [
    {
      Sid      = "LockState"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:DeleteObject"]
      Resource = "${local.arn.bucket}/${local.state_key}.tflock"
    },
    {
      # Terraform's own lock item, and not Towpath's lock of the environment, which is in the same table.
      Sid       = "LockStateInTable"
      Effect    = "Allow"
      Action    = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
      Resource  = local.arn.table
      Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["${var.state_bucket}/${local.state_key}"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
    },
  ]

  state_statements = concat(
    [
      {
        # The ledger's objects can't be deleted: the bucket's own policy says so, and nothing here does.
        Sid      = "WriteState"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["${local.arn.bucket}/${local.state_key}", "${local.arn.bucket}/ledger/*"]
      },
      {
        Sid      = "LockState"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.arn.bucket}/${local.state_key}.tflock"
      },
      {
        Sid      = "Lock"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        Resource = local.arn.table
      },
    ],
    # Whether a release may be promoted is written in the ledger of the environment before, and seen in its health.
    flatten([for before in var.before[*] : [
      {
        Sid      = "FindLedgerBefore"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketTagging"]
        Resource = "arn:${local.partition}:s3:::${before.state_bucket}"
      },
      {
        Sid      = "ReadLedgerBefore"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "arn:${local.partition}:s3:::${before.state_bucket}/ledger/*"
      },
      {
        Sid      = "ReadLockBefore"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:GetItem"]
        Resource = "arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${before.lock_table}"
      },
      {
        Sid    = "ReadServiceBefore"
        Effect = "Allow"
        Action = ["ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks"]
        Resource = [
          for kind in ["cluster/%s", "service/%s/*", "task/%s/*"] :
          "arn:${local.partition}:ecs:${var.region}:${local.account}:${format(kind, "${var.project}-${before.name}-ecs-cluster")}"
        ]
      },
      {
        Sid       = "ListTasksBefore"
        Effect    = "Allow"
        Action    = "ecs:ListTasks"
        Resource  = "*"
        Condition = { ArnEquals = { "ecs:cluster" = "arn:${local.partition}:ecs:${var.region}:${local.account}:cluster/${var.project}-${before.name}-ecs-cluster" } }
      },
    ]]),
    # A promotion is opened by an entry in the ledger of its target.
    flatten([for next in var.opens[*] : [
      {
        Sid      = "FindLedgerOfNext"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketTagging"]
        Resource = "arn:${local.partition}:s3:::${next.state_bucket}"
      },
      {
        Sid      = "AppendToLedgerOfNext"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "arn:${local.partition}:s3:::${next.state_bucket}/ledger/*"
      },
      {
        Sid      = "FindLockOfNext"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = "arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${next.lock_table}"
      },
    ]]),
    var.pushes_images ? [{
      Sid      = "PushImages"
      Effect   = "Allow"
      Action   = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
      Resource = local.arn.repository
    }] : [],
  )
}
