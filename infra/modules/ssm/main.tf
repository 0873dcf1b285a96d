# The application's secrets as SecureString parameters. Terraform creates them and never learns a value again.

resource "aws_ssm_parameter" "this" {
  for_each = var.names

  name        = "/${var.project}/${var.environment}/${each.key}"
  description = "Secret ${each.key} of ${var.project} in ${var.environment}; new values are set outside Terraform"
  type        = "SecureString"
  tier        = "Standard"

  # Write-only: sent when the parameter is created or the version changes, kept nowhere. The version never changes
  # here, so a run without var.secrets leaves an existing value alone, and creating a parameter without a value fails
  # with AWS's answer (a value has at least one character) instead of putting a placeholder into production.
  value_wo         = lookup(var.secrets, each.key, "")
  value_wo_version = 1

  # A value may have been put there before the first apply; taking it over must not fail.
  overwrite = true

  tags = { Name = "${var.project}-${var.environment}-${each.key}" }

  lifecycle {
    # Changing either sends the value again, which a later run does not have.
    ignore_changes = [description, tier]
  }
}
