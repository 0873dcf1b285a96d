# One environment's names and who asks. The root of infra/ci validates what a person types.

variable "project" {
  description = "Project, first part of every name."
  type        = string
}

variable "environment" {
  description = "Environment, second part of every name; also the GitHub environment that deploys."
  type        = string
}

variable "region" {
  description = "AWS region of the environment."
  type        = string
}

variable "state_bucket" {
  description = "Bucket with state and ledger."
  type        = string
}

variable "lock_table" {
  description = "Table with the locks."
  type        = string
}

variable "before" {
  description = "The environment before it on the ladder, whose ledger and health the deploy role reads; null: none in this account."
  type        = object({ name = string, state_bucket = string, lock_table = string })
}

variable "opens" {
  description = "The next environment, when promotions to it open by themselves; null: none."
  type        = object({ name = string, state_bucket = string, lock_table = string })
}

variable "registry_account" {
  description = "Account of the image repository; null: this one."
  type        = string
}

variable "registry_region" {
  description = "Region of the image repository."
  type        = string
}

variable "pushes_images" {
  description = "Whether the deploy role may push images."
  type        = bool
}

variable "oidc_provider_arn" {
  description = "Identity provider of GitHub Actions."
  type        = string
}

variable "issuer" {
  description = "Its host, with which its condition keys begin."
  type        = string
}

variable "subject_prefix" {
  description = "Start of the token's subject: which repository."
  type        = string
}

variable "repository_id" {
  description = "Number of the repository; null: not asked for."
  type        = string
}

variable "branch" {
  description = "The branch whose workflows may deploy."
  type        = string
}
