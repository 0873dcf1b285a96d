# Inputs of the monitoring module.

variable "name" {
  description = "Prefix of every name, \"<project>-<environment>\"."
  type        = string
}

variable "region" {
  description = "AWS region that the dashboard reads."
  type        = string
}

variable "alarm_email" {
  description = "Address that gets every alarm, after confirming a mail from AWS. null: nobody is told."
  type        = string
  default     = null
}

variable "runbook_url" {
  description = "Address of docs/runbook.md as people can open it; every alarm links its section of it. null: the alarms name the file."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null || can(regex("^https?://[^\\s\"#<>]{1,192}$", var.runbook_url))
    error_message = "runbook_url is \"${coalesce(var.runbook_url, "null")}\"; it must be an http or https address of at most 200 characters without \"#\", for example https://github.com/example/shop/blob/main/docs/runbook.md."
  }
}

variable "cluster_name" {
  description = "Cluster, dimension ClusterName."
  type        = string
}

variable "service_name" {
  description = "Service, dimension ServiceName."
  type        = string
}

variable "load_balancer_arn_suffix" {
  description = "Dimension LoadBalancer."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "Dimension TargetGroup."
  type        = string
}

variable "log_group_name" {
  description = "Log group of the application: its errors are counted, and dashboard and alarms name it."
  type        = string
}

variable "min_tasks" {
  description = "Fewest tasks that should run."
  type        = number
}

variable "max_tasks" {
  description = "Most tasks that autoscaling starts."
  type        = number
}

variable "thresholds" {
  description = "When to raise an alarm: share of answers with status 5xx, 95th percentile of the answer time, CPU and memory in percent of the reservation, errors in the log."
  type = object({
    error_percent         = optional(number, 5)
    latency_p95_seconds   = optional(number, 1)
    cpu_percent           = optional(number, 90)
    memory_percent        = optional(number, 90)
    log_errors_per_minute = optional(number, 5)
  })
  default = {}

  validation {
    condition     = alltrue([for percent in [var.thresholds.error_percent, var.thresholds.cpu_percent, var.thresholds.memory_percent] : percent > 0 && percent <= 100])
    error_message = "thresholds is ${jsonencode(var.thresholds)}; error_percent, cpu_percent and memory_percent must be more than 0 and at most 100."
  }

  validation {
    condition     = var.thresholds.latency_p95_seconds > 0
    error_message = "thresholds.latency_p95_seconds is ${var.thresholds.latency_p95_seconds}; it must be more than 0."
  }

  validation {
    condition     = var.thresholds.log_errors_per_minute >= 0
    error_message = "thresholds.log_errors_per_minute is ${var.thresholds.log_errors_per_minute}; it must not be less than 0."
  }
}
