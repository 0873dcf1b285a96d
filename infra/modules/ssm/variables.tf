# Inputs of the ssm module.

variable "project" {
  description = "Project, the first level of every parameter's path."
  type        = string
}

variable "environment" {
  description = "Environment, the second level of every parameter's path."
  type        = string
}

variable "names" {
  description = "Names of the secrets; each becomes the parameter /<project>/<environment>/<name>."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.names : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "names is ${jsonencode(var.names)}; a secret's name is 1 to 63 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "secrets" {
  description = "Values by name, for parameters that this run creates. Never kept in state or plan."
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true
}
