# Which repository may do what in this account. Values are those of towpath.config.ts where it has them.

variable "project" {
  description = "Project name, as in towpath.config.ts."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.project))
    error_message = "project is \"${var.project}\"; it must be lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
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
  description = "AWS region of the environments."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is \"${var.region}\"; it must be an AWS region such as us-east-1."
  }
}

variable "repository" {
  description = "GitHub repository whose workflows get in, \"OWNER/NAME\", in GitHub's own spelling."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", var.repository))
    error_message = "repository is \"${var.repository}\"; it must be OWNER/NAME without wildcards, as in the repository's address."
  }
}

variable "subject_prefix" {
  description = "Start of the token's subject, up to the colon before \"environment\". null: \"repo:OWNER/NAME\". Repositories made or renamed after 18 June 2026 have ids in it: copy it from the repository's OIDC settings."
  type        = string
  default     = null

  validation {
    condition     = var.subject_prefix == null || can(regex("^repo:[A-Za-z0-9][A-Za-z0-9@-]*/[A-Za-z0-9._@-]+$", var.subject_prefix))
    error_message = "subject_prefix is \"${coalesce(var.subject_prefix, "null")}\"; it must begin with repo:, name owner and repository, and have no wildcard and no further colon."
  }
}

variable "repository_id" {
  description = "Number of the repository (`gh api repos/OWNER/NAME --jq .id`): holds after a rename, and against someone who takes over the name. null: not asked for."
  type        = string
  default     = null

  validation {
    condition     = var.repository_id == null || can(regex("^[0-9]+$", var.repository_id))
    error_message = "repository_id is \"${coalesce(var.repository_id, "null")}\"; it must be digits only."
  }
}

variable "branch" {
  description = "The one branch whose workflows may deploy."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.branch))
    error_message = "branch is \"${var.branch}\"; it must be one branch's name, without refs/heads/ and without wildcards."
  }

  validation {
    condition     = !startswith(var.branch, "refs/")
    error_message = "branch is \"${var.branch}\"; leave refs/heads/ out."
  }
}

variable "environments" {
  description = "The environments of this account by name. state_bucket and lock_table where towpath.config.ts overrides them; before for the environment that promotions come from; opens for the next environment where its trigger is auto; pushes_images for the first environment of the ladder, where images are built."
  type = map(object({
    state_bucket  = optional(string)
    lock_table    = optional(string)
    before        = optional(string)
    opens         = optional(string)
    pushes_images = optional(bool, false)
  }))

  validation {
    condition     = length(var.environments) > 0
    error_message = "environments is empty; name at least one."
  }

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", name))])
    error_message = "environments are ${jsonencode(keys(var.environments))}; each must be lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
  }

  # Some permissions end in a wildcard after the environment's name.
  validation {
    condition = alltrue(flatten([
      for name in keys(var.environments) : [for other in keys(var.environments) : !startswith(other, "${name}-")]
    ]))
    error_message = "environments are ${jsonencode(keys(var.environments))}; none may begin with another one's name and a hyphen, or its permissions would reach into the other."
  }

  validation {
    condition     = alltrue([for name, environment in var.environments : environment.before == null || (environment.before != name && contains(keys(var.environments), coalesce(environment.before, name)))])
    error_message = "An environment has a before that is not among ${jsonencode(keys(var.environments))}, or is itself. Leave it out where that environment has another account."
  }

  validation {
    condition     = alltrue([for name, environment in var.environments : environment.opens == null || try(var.environments[environment.opens].before == name, false)])
    error_message = "An environment opens promotions to one that does not have it as its before."
  }

  validation {
    condition     = length([for environment in values(var.environments) : environment if environment.pushes_images]) <= 1
    error_message = "More than one environment has pushes_images; an image is built once, for the first environment of the ladder."
  }
}

variable "registry_account" {
  description = "Account that holds the image repository: that of the ladder's first environment. null: this one."
  type        = string
  default     = null

  validation {
    condition     = var.registry_account == null || can(regex("^[0-9]{12}$", var.registry_account))
    error_message = "registry_account is \"${coalesce(var.registry_account, "null")}\"; it must be 12 digits."
  }
}

variable "registry_region" {
  description = "Region of the image repository. null: `region`."
  type        = string
  default     = null
}

variable "oidc_provider_arn" {
  description = "Identity provider for token.actions.githubusercontent.com that the account has already. null: it is made here."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_provider_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.oidc_provider_arn))
    error_message = "oidc_provider_arn is \"${coalesce(var.oidc_provider_arn, "null")}\"; it must be the ARN of a provider for token.actions.githubusercontent.com."
  }
}
