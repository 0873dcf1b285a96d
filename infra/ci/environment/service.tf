# Load balancer, cluster, service, scaling, secrets, logs and alarms: everything that AWS names as we do, by its name.

locals {
  elb = "arn:${local.partition}:elasticloadbalancing:${var.region}:${local.account}"

  service_statements = [
    {
      Sid    = "LoadBalancer"
      Effect = "Allow"
      Action = "elasticloadbalancing:*"
      Resource = [
        "${local.elb}:loadbalancer/app/${local.name}-alb/*",
        "${local.elb}:listener/app/${local.name}-alb/*",
        "${local.elb}:listener-rule/app/${local.name}-alb/*",
        "${local.elb}:targetgroup/${local.name}-tg/*",
      ]
    },
    {
      # Neither ExecuteCommand nor RunTask: CI ships releases and opens no shell.
      Sid    = "Service"
      Effect = "Allow"
      Action = [
        "ecs:CreateCluster",
        "ecs:UpdateCluster",
        "ecs:UpdateClusterSettings",
        "ecs:PutClusterCapacityProviders",
        "ecs:DeleteCluster",
        "ecs:CreateService",
        "ecs:UpdateService",
        "ecs:DeleteService",
        "ecs:StopTask",
        "ecs:TagResource",
        "ecs:UntagResource",
      ]
      Resource = [local.arn.cluster, local.arn.services, local.arn.tasks, local.arn.task_definition]
    },
    {
      Sid       = "NewTaskDefinition"
      Effect    = "Allow"
      Action    = "ecs:RegisterTaskDefinition"
      Resource  = "*"
      Condition = { StringEquals = local.asked_as_ours }
    },
    {
      # Has no resource-level permissions. A revision in use runs on when it is deregistered.
      Sid      = "OldTaskDefinition"
      Effect   = "Allow"
      Action   = "ecs:DeregisterTaskDefinition"
      Resource = "*"
    },
    {
      Sid       = "NewScalingTarget"
      Effect    = "Allow"
      Action    = ["application-autoscaling:RegisterScalableTarget", "application-autoscaling:TagResource"]
      Resource  = "arn:${local.partition}:application-autoscaling:${var.region}:${local.account}:scalable-target/*"
      Condition = { StringEquals = local.asked_as_ours }
    },
    {
      Sid    = "Scaling"
      Effect = "Allow"
      Action = [
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:TagResource",
        "application-autoscaling:UntagResource",
      ]
      Resource  = "arn:${local.partition}:application-autoscaling:${var.region}:${local.account}:scalable-target/*"
      Condition = { StringEquals = local.is_ours }
    },
    {
      Sid      = "Parameters"
      Effect   = "Allow"
      Action   = ["ssm:PutParameter", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"]
      Resource = local.arn.parameters
    },
    {
      Sid      = "LogGroups"
      Effect   = "Allow"
      Action   = ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:PutMetricFilter", "logs:DeleteMetricFilter", "logs:TagResource", "logs:UntagResource"]
      Resource = local.arn.log_groups
    },
    {
      Sid      = "Monitoring"
      Effect   = "Allow"
      Action   = ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards", "cloudwatch:TagResource", "cloudwatch:UntagResource"]
      Resource = [local.arn.alarms, local.arn.dashboards]
    },
    {
      # A rule tells the topic of failed deployments; the topic's policy lets it, so no role is passed.
      Sid      = "Events"
      Effect   = "Allow"
      Action   = ["events:PutRule", "events:DeleteRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource", "events:UntagResource"]
      Resource = local.arn.rules
    },
    {
      # Subscriptions have the topic's ARN and an id after it.
      Sid      = "AlarmTopic"
      Effect   = "Allow"
      Action   = ["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:Unsubscribe", "sns:SetSubscriptionAttributes", "sns:TagResource", "sns:UntagResource"]
      Resource = [local.arn.topic, "${local.arn.topic}:*"]
    },
  ]
}
