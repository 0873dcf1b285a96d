# Alarms, who hears of them, and the dashboard, without AWS.

mock_provider "aws" {
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
      "devops-app-test-cpu-high-alarm",
      "devops-app-test-latency-alarm",
      "devops-app-test-memory-high-alarm",
      "devops-app-test-tasks-low-alarm",
      "devops-app-test-unhealthy-hosts-alarm",
    ])
    error_message = "Alarms are ${jsonencode(output.alarm_names)}."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.errors]) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn]) && length(alarm.alarm_description) > 60
    ])
    error_message = "Every alarm must tell the topic when it begins and ends, and say what to do."
  }

  assert {
    condition     = strcontains(one([for query in aws_cloudwatch_metric_alarm.errors.metric_query : query.expression if query.id == "share"]), "100 * FILL(errors, 0) / requests") && aws_cloudwatch_metric_alarm.errors.threshold == 5
    error_message = "Errors must be judged by their share of the requests."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["tasks-low"].threshold == 3 &&
      aws_cloudwatch_metric_alarm.this["tasks-low"].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.this["tasks-low"].treat_missing_data == "breaching"
    )
    error_message = "Fewer running tasks than the minimum, or none that reports, must raise the alarm."
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
    condition = alltrue([
      for name in ["cpu-high", "memory-high", "tasks-low"] :
      aws_cloudwatch_metric_alarm.this[name].dimensions == tomap({ ClusterName = "devops-app-test-ecs-cluster", ServiceName = "devops-app-test-ecs-service" })
    ])
    error_message = "CPU, memory and tasks must be those of this service."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0
    error_message = "Without an address nobody is subscribed."
  }
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
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[4].properties.alarms) == 6
    error_message = "The dashboard must show all six alarms."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[2].properties.metrics[0] == ["AWS/ECS", "CPUUtilization", "ClusterName", "devops-app-test-ecs-cluster", "ServiceName", "devops-app-test-ecs-service"]
    error_message = "CPU must be that of this service."
  }
}

run "email" {
  variables {
    alarm_email = "ops@example.com"
    thresholds  = { cpu_percent = 50 }
  }

  assert {
    condition     = aws_sns_topic_subscription.email[0].endpoint == "ops@example.com" && aws_sns_topic_subscription.email[0].protocol == "email" && aws_sns_topic_subscription.email[0].topic_arn == aws_sns_topic.alarms.arn
    error_message = "The address must be subscribed to the topic."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["cpu-high"].threshold == 50 && aws_cloudwatch_metric_alarm.this["memory-high"].threshold == 90
    error_message = "A threshold given must be used, the others keep their defaults."
  }
}

run "bad_thresholds" {
  command = plan

  variables {
    thresholds = { error_percent = 0, latency_p95_seconds = -1 }
  }

  expect_failures = [var.thresholds]
}
