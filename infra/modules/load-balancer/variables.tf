# Inputs of the load balancer module.

variable "name" {
  description = "Prefix of every name, \"<project>-<environment>\"."
  type        = string

  validation {
    condition     = length("${var.name}-alb") <= 32
    error_message = "\"${var.name}-alb\" has ${length("${var.name}-alb")} characters; AWS allows a load balancer's name 32. Shorten the project or the environment."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer and its targets."
  type        = string
}

variable "vpc_cidr" {
  description = "Address range of the VPC, where the targets are."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids has ${length(var.subnet_ids)} entries; a load balancer needs subnets in at least two zones."
  }
}

variable "port" {
  description = "Port of the application on its targets."
  type        = number
}

variable "certificate_arn" {
  description = "ACM certificate. Given: HTTPS on 443, and 80 redirects. null: plain HTTP on 80."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the load balancer."
  type        = bool
}

variable "deregistration_delay_seconds" {
  description = "Seconds that a leaving target may take to finish its requests."
  type        = number
}

variable "health_check" {
  description = "When a target takes traffic: path that answers 200, seconds between checks and for one, checks in a row."
  type = object({
    path                = string
    interval_seconds    = number
    timeout_seconds     = number
    healthy_threshold   = number
    unhealthy_threshold = number
  })

  validation {
    condition     = var.health_check.timeout_seconds < var.health_check.interval_seconds
    error_message = "health_check.timeout_seconds (${var.health_check.timeout_seconds}) must be less than interval_seconds (${var.health_check.interval_seconds})."
  }
}
