# Inputs of the ecs module.

variable "project" {
  description = "Project; also the level of the parameter path that the roles may read."
  type        = string
}

variable "environment" {
  description = "Environment; the application sees it as ENVIRONMENT."
  type        = string
}

variable "application" {
  description = "Name of the container."
  type        = string
}

variable "region" {
  description = "AWS region, for log driver and permissions."
  type        = string
}

variable "image" {
  description = "Image by digest, \"<repository>@sha256:<64 hex digits>\"."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is \"${var.image}\"; it must be <repository>@sha256:<64 hex digits>, since a tag can come to mean something else."
  }
}

variable "vpc_id" {
  description = "VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks, one in each zone."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Whether tasks get a public address, as their only way out."
  type        = bool
}

variable "load_balancer_security_group_id" {
  description = "The only source that may reach the application's port."
  type        = string
}

variable "target_group_arn" {
  description = "Target group that the tasks register with; a listener must forward to it."
  type        = string
}

variable "secret_arns" {
  description = "ARN of the SSM parameter of each secret, by the secret's name; \"app-secret\" becomes the variable APP_SECRET."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Days to keep the application's log."
  type        = number
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the execution and the task role. null: none."
  type        = string
  default     = null
}

variable "service" {
  description = "What runs and how it rolls; see variable service of the root module for each attribute."
  type = object({
    port                       = number
    cpu                        = number
    memory                     = number
    architecture               = string
    read_only_root_filesystem  = bool
    exec                       = bool
    environment                = map(string)
    stop_timeout_seconds       = number
    health_check_grace_seconds = number
    minimum_healthy_percent    = number
    maximum_percent            = number
    spot_weight                = number
    scaling = object({
      min            = number
      max            = number
      cpu_percent    = number
      memory_percent = number
    })
  })

  validation {
    condition     = var.service.scaling.min <= var.service.scaling.max
    error_message = "service.scaling.min (${var.service.scaling.min}) must not exceed service.scaling.max (${var.service.scaling.max})."
  }

  validation {
    condition     = var.service.maximum_percent > 100
    error_message = "service.maximum_percent is ${var.service.maximum_percent}; balancing over zones starts before it stops, so it must exceed 100."
  }
}
