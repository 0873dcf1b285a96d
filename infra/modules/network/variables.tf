# Inputs of the network module.

variable "name" {
  description = "Prefix of every name, \"<project>-<environment>\"."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\"; it must be \"<project>-<environment>\" in lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "AWS region, for the names of its services."
  type        = string
}

variable "vpc_cidr" {
  description = "Address range of the VPC, a /16; the subnets are its .1 to .3 and .101 to .103 /24 blocks."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/16$", var.vpc_cidr)) && try(cidrsubnet(var.vpc_cidr, 0, 0), "") == var.vpc_cidr
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; it must be the first address of a /16, for example \"10.3.0.0/16\"."
  }
}

variable "availability_zones" {
  description = "Zones to spread over, two or three of one region. The order decides the address blocks: changing it replaces subnets."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.availability_zones)) && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones is ${jsonencode(var.availability_zones)}; it must name two or three different zones."
  }
}

variable "nat" {
  description = "Way out for private subnets: \"per-az\", \"single\", or \"none\" (tasks then run in the public subnets)."
  type        = string

  validation {
    condition     = contains(["per-az", "single", "none"], var.nat)
    error_message = "nat is \"${var.nat}\"; it must be \"per-az\", \"single\" or \"none\"."
  }
}

variable "log_retention_days" {
  description = "Days to keep the flow log."
  type        = number
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the flow log's role. null: none."
  type        = string
  default     = null
}
