# Alarms, who hears of them, and the dashboard, without AWS.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:rule/devops-app-test-deployment-failed" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:devops-app-test-alarms" }
  }

  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:mocked" }
  }
}

variables {
  name                     = "devops-app-test"
  region                   = "us-east-1"
  cluster_name             = "devops-app-test-ecs-cluster"
  service_name             = "devops-app-test-ecs-service"
  load_balancer_arn_suffix = "app/devops-app-test-alb/1"
  target_group_arn_suffix  = "targetgroup/devops-app-test-tg/1"
  log_group_name           = "/ecs/devops-app-test"
  min_tasks                = 3
  max_tasks                = 10
}

run "alarms" {
  assert {
    condition = output.alarm_names == tolist([
      "devops-app-test-5xx-alarm",
      "devops-app-test-cpu-at-max-alarm",
      "devops-app-test-deployment-failed-alarm",
      "devops-app-test-latency-alarm",
      "devops-app-test-log-errors-alarm",
      "devops-app-test-memory-at-max-alarm",
      "devops-app-test-tasks-low-alarm",
      "devops-app-test-unhealthy-hosts-alarm",
    ])
    error_message = "Alarms are ${jsonencode(output.alarm_names)}."
  }

  assert {
    condition = alltrue([
      for key, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.expression) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn]) if key != "deployment-failed"
    ])
    error_message = "Every alarm must tell the topic when it begins and ends."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["deployment-failed"].alarm_actions) == 0
    error_message = "Of a failed deployment the event tells, with its reason: the alarm must not tell it again."
  }

  # CloudWatch takes 1024 characters.
  assert {
    condition = alltrue([
      for key, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.expression) :
      length(alarm.alarm_description) > 100 && length(alarm.alarm_description) < 800 && endswith(alarm.alarm_description, " Runbook: docs/runbook.md#${key}")
    ])
    error_message = "Every alarm must say what to do and name its section of the runbook."
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.expression["5xx"].metric_query : query.expression if query.id == "result"]) == "IF(FILL(requests, 0) + FILL(turned_away, 0) >= 20, 100 * (FILL(task_errors, 0) + FILL(own_errors, 0)) / (FILL(requests, 0) + FILL(turned_away, 0)), 0)" &&
      aws_cloudwatch_metric_alarm.expression["5xx"].threshold == 5
    )
    error_message = "Errors of tasks and of the load balancer must be judged by their share of all that were asked for."
  }

  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.expression["5xx"].metric_query : query.id => "${query.metric[0].metric_name} ${query.metric[0].stat}" if query.id != "result" } == {
      requests    = "RequestCount Sum"
      turned_away = "HTTPCode_ELB_503_Count Sum"
      task_errors = "HTTPCode_Target_5XX_Count Sum"
      own_errors  = "HTTPCode_ELB_5XX_Count Sum"
    }
    error_message = "Errors of tasks and of the load balancer must both be counted."
  }

  assert {
    condition = alltrue([
      for name in ["cpu-at-max", "memory-at-max"] :
      one([for query in aws_cloudwatch_metric_alarm.expression[name].metric_query : query.expression if query.id == "result"]) == "IF(running >= 10, used, 0)" &&
      aws_cloudwatch_metric_alarm.expression[name].threshold == 90
    ])
    error_message = "CPU and memory must count only while the most tasks run."
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.expression["tasks-low"].metric_query : query.expression if query.id == "result"]) == "IF(desired > 3, desired, 3) - running" &&
      aws_cloudwatch_metric_alarm.expression["tasks-low"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.expression["tasks-low"].treat_missing_data == "breaching"
    )
    error_message = "Fewer running tasks than wanted, or none that reports, must raise the alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["latency"].extended_statistic == "p95" && aws_cloudwatch_metric_alarm.this["latency"].statistic == null && aws_cloudwatch_metric_alarm.this["latency"].threshold == 1
    error_message = "Latency must be judged by its 95th percentile."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["unhealthy-hosts"].dimensions == tomap({ LoadBalancer = "app/devops-app-test-alb/1", TargetGroup = "targetgroup/devops-app-test-tg/1" })
    error_message = "Health must be that of this target group."
  }

  assert {
    condition = alltrue(flatten([
      for name in ["cpu-at-max", "memory-at-max", "tasks-low"] : [
        for query in aws_cloudwatch_metric_alarm.expression[name].metric_query :
        query.metric[0].dimensions == tomap({ ClusterName = "devops-app-test-ecs-cluster", ServiceName = "devops-app-test-ecs-service" }) if query.id != "result"
      ]
    ]))
    error_message = "CPU, memory and tasks must be those of this service."
  }

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.errors.log_group_name == "/ecs/devops-app-test" &&
      aws_cloudwatch_metric_alarm.this["log-errors"].namespace == aws_cloudwatch_log_metric_filter.errors.metric_transformation[0].namespace &&
      aws_cloudwatch_metric_alarm.this["log-errors"].metric_name == aws_cloudwatch_log_metric_filter.errors.metric_transformation[0].name
    )
    error_message = "The alarm must look at the metric that the filter of this log group makes."
  }

  # CloudWatch Logs takes 1024 characters.
  assert {
    condition     = startswith(aws_cloudwatch_log_metric_filter.errors.pattern, "{ ($.level = \"error\") || ") && strcontains(aws_cloudwatch_log_metric_filter.errors.pattern, "|| ($.severity = \"CRITICAL\") || ($.level >= 50) }") && length(aws_cloudwatch_log_metric_filter.errors.pattern) <= 1024
    error_message = "Errors of every usual logger must be counted: ${aws_cloudwatch_log_metric_filter.errors.pattern}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["deployment-failed"].dimensions == tomap({ RuleName = aws_cloudwatch_event_rule.deployment_failed.name })
    error_message = "The alarm must look at the rule of this service."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0
    error_message = "Without an address nobody is subscribed."
  }
}

run "failed_deployments" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.deployment_failed.event_pattern) == {
      source      = ["aws.ecs"]
      detail-type = ["ECS Deployment State Change"]
      resources   = ["arn:aws:ecs:us-east-1:123456789012:service/devops-app-test-ecs-cluster/devops-app-test-ecs-service"]
      detail      = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
    }
    error_message = "Only failed deployments of this service must be told."
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.deployment_failed.arn == aws_sns_topic.alarms.arn &&
      strcontains(aws_cloudwatch_event_target.deployment_failed.input_transformer[0].input_template, "failed at <at>: <reason> Runbook: docs/runbook.md#deployment-failed") &&
      can(jsondecode(aws_cloudwatch_event_target.deployment_failed.input_transformer[0].input_template))
    )
    error_message = "The topic must get a sentence with the reason, as one JSON string."
  }

  assert {
    condition = [for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : [statement.Principal.Service, statement.Action, statement.Condition]] == [
      ["cloudwatch.amazonaws.com", "sns:Publish", {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:devops-app-test-*" }
      }],
      ["events.amazonaws.com", "sns:Publish", { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.deployment_failed.arn } }],
    ]
    error_message = "Alarms and rule of this environment may publish, and nobody else: ${aws_sns_topic_policy.alarms.policy}"
  }
}

run "runbook" {
  variables {
    runbook_url = "https://example.com/shop/runbook"
  }

  assert {
    condition = alltrue([
      for key, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.expression) :
      endswith(alarm.alarm_description, " Runbook: https://example.com/shop/runbook#${key}")
    ])
    error_message = "Every alarm must link its section of the runbook."
  }
}

run "bad_runbook" {
  command = plan

  variables {
    runbook_url = "docs/runbook.md"
  }

  expect_failures = [var.runbook_url]
}

run "dashboard" {
  assert {
    condition     = output.dashboard_name == "devops-app-test-dashboard"
    error_message = "The name must be <project>-<environment>-dashboard."
  }

  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.type] == [
      "metric", "metric", "metric", "metric", "alarm", "log",
    ]
    error_message = "The dashboard must show metrics, alarms and log."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[4].properties.alarms) == length(output.alarm_names)
    error_message = "The dashboard must show all alarms."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[2].properties.metrics[0] == ["AWS/ECS", "CPUUtilization", "ClusterName", "devops-app-test-ecs-cluster", "ServiceName", "devops-app-test-ecs-service"]
    error_message = "CPU must be that of this service."
  }

  assert {
    condition     = contains([for metric in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.metrics : join(" ", slice(metric, 0, 2)) if length(metric) > 2], "Towpath/devops-app-test LogErrors")
    error_message = "The dashboard must show the errors in the log."
  }

  # The share of failures is drawn from metrics of the same widget, which it calls by their ids.
  assert {
    condition = (
      one([for metric in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.metrics : metric[0].expression if length(metric) == 1]) == one([for query in aws_cloudwatch_metric_alarm.expression["5xx"].metric_query : query.expression if query.id == "result"]) &&
      { for metric in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.metrics : metric[4].id => metric[1] if can(metric[4].id) } == { for query in aws_cloudwatch_metric_alarm.expression["5xx"].metric_query : query.id => query.metric[0].metric_name if query.id != "result" }
    )
    error_message = "The dashboard must show the share of failures as its alarm sees it."
  }
}

run "email" {
  variables {
    alarm_email = "ops@example.com"
    thresholds  = { cpu_percent = 50, log_errors_per_minute = 0 }
  }

  assert {
    condition     = aws_sns_topic_subscription.email[0].endpoint == "ops@example.com" && aws_sns_topic_subscription.email[0].protocol == "email" && aws_sns_topic_subscription.email[0].topic_arn == aws_sns_topic.alarms.arn
    error_message = "The address must be subscribed to the topic."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.expression["cpu-at-max"].threshold == 50 && aws_cloudwatch_metric_alarm.this["log-errors"].threshold == 0 && aws_cloudwatch_metric_alarm.expression["memory-at-max"].threshold == 90
    error_message = "A threshold given must be used, the others keep their defaults."
  }
}

run "bad_thresholds" {
  command = plan

  variables {
    thresholds = { error_percent = 0, latency_p95_seconds = -1, log_errors_per_minute = -1 }
  }

  expect_failures = [var.thresholds]
}
