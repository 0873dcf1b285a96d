# What one environment is made of. envs/<environment>/terraform.tfvars.json gives all but image and secrets.
# The service is in variables-service.tf.

variable "project" {
  description = "Project name, first part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.project)) && !can(regex("^(aws|ssm|internal-)", var.project))
    error_message = "project is \"${var.project}\"; it must be lower-case letters, digits and hyphens, start with a letter and not end with a hyphen, and not start with aws, ssm or internal-, which AWS reserves."
  }
}

variable "environment" {
  description = "Environment name, second part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.environment))
    error_message = "environment is \"${var.environment}\"; it must be lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
  }

  validation {
    condition     = length("${var.project}-${var.environment}-alb") <= 32
    error_message = "\"${var.project}-${var.environment}-alb\" has ${length("${var.project}-${var.environment}-alb")} characters; AWS allows a load balancer's name 32. Shorten project or environment."
  }
}

variable "application" {
  description = "Application name: the container's name and the tag Application."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$", var.application))
    error_message = "application is \"${var.application}\"; it must be 1 to 255 letters, digits, hyphens and underscores."
  }
}

variable "owner" {
  description = "Who answers for it: the tag Owner."
  type        = string

  validation {
    condition     = can(regex("^[\\p{L}\\p{N} _.:/=+@-]{1,256}$", var.owner))
    error_message = "owner is \"${var.owner}\"; it must be 1 to 256 characters that AWS allows in a tag: letters, digits, spaces and _.:/=+-@"
  }
}

variable "region" {
  description = "AWS region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is \"${var.region}\"; it must be an AWS region such as us-east-1."
  }
}

variable "availability_zones" {
  description = "Two or three zones of the region. The order decides the subnets' addresses: changing it replaces them."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.availability_zones)) && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones is ${jsonencode(var.availability_zones)}; it must name two or three different zones."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : can(regex("^[a-z]$", trimprefix(zone, var.region)))])
    error_message = "availability_zones is ${jsonencode(var.availability_zones)}; each must be a zone of ${var.region}, for example ${var.region}a."
  }
}

variable "vpc_cidr" {
  description = "Address range of the VPC, a /16 in private address space."
  type        = string

  validation {
    condition     = can(regex("/16$", var.vpc_cidr)) && try(cidrsubnet(var.vpc_cidr, 0, 0), "") == var.vpc_cidr
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; it must be the first address of a /16, for example 10.3.0.0/16."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.vpc_cidr))
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; it must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, since other addresses belong to somebody."
  }
}

variable "nat" {
  description = "How tasks reach the outside: a NAT gateway in each zone (\"per-az\"), one for all (\"single\"), or none with tasks in the public subnets (\"none\")."
  type        = string
  default     = "per-az"

  validation {
    condition     = contains(["per-az", "single", "none"], var.nat)
    error_message = "nat is \"${var.nat}\"; it must be per-az, single or none."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the region. Given: HTTPS, and HTTP redirects to it. null: plain HTTP."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:${var.region}:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn is \"${coalesce(var.certificate_arn, "null")}\"; it must be the ARN of an ACM certificate in ${var.region}."
  }
}

variable "log_retention_days" {
  description = "Days to keep logs; CloudWatch knows certain numbers only."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}; CloudWatch allows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "alarm_email" {
  description = "Address that gets the alarms, after confirming a mail from AWS. null: nobody is told."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email is \"${coalesce(var.alarm_email, "null")}\"; it must be one e-mail address."
  }
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

variable "permissions_boundary" {
  description = "ARN of the IAM policy that every role carries as its permissions boundary. null: none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${coalesce(var.permissions_boundary, "null")}\"; it must be the ARN of an IAM policy, for example arn:aws:iam::123456789012:policy/ci/devops-app-test-boundary."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the load balancer. Apply it as false before a destroy."
  type        = bool
  default     = false
}

variable "image" {
  description = "Image to run, by digest: <repository>@sha256:<64 hex digits>. No default: nothing is deployed by accident."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is \"${var.image}\"; it must be <repository>@sha256:<64 hex digits>, since a tag can come to mean something else."
  }
}

variable "secrets" {
  description = "Values of secrets by name; needed only when their parameters are created. Kept neither in state nor in plan."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
}
