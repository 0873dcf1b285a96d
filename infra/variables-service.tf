# The service: what runs, how big, how many, and how it rolls. The defaults are the spec's figures, and timings that
# make a rollout fast: a new task serves after one passed check, and a task that is replaced is gone after 5 s.

locals {
  # Memory in MiB that Fargate offers for each number of CPU units: [from, to, step].
  fargate_memory = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4096 + 1, 1024)
    "1024"  = range(2048, 8192 + 1, 1024)
    "2048"  = range(4096, 16384 + 1, 1024)
    "4096"  = range(8192, 30720 + 1, 1024)
    "8192"  = range(16384, 61440 + 1, 4096)
    "16384" = range(32768, 122880 + 1, 8192)
  }
}

variable "service" {
  description = <<-EOT
    port                          port of the application, above 1023 so that it need not run as root
    cpu, memory                   CPU units (1024 = one vCPU) and MiB of a task, a pair that Fargate offers
    architecture                  of the image: X86_64 or ARM64
    read_only_root_filesystem     /dev/shm stays writable; ECS Exec's directories too
    exec                          whether people with the permission may run commands in tasks (ECS Exec)
    health_check_path             path that answers 200 when a task can take traffic
    environment                   variables of the application beside ENVIRONMENT and PORT
    secrets                       names of secrets; app-secret becomes the variable APP_SECRET
    scaling                       tasks from min to max, following CPU and memory (percent of the reservation)
    stop_timeout_seconds          from SIGTERM to SIGKILL, at most 120 on Fargate
    deregistration_delay_seconds  that a leaving task may take for requests in flight; the longest answer must fit
    health_check_*_seconds        between checks, for one check, and after a start before failed checks count
    healthy_, unhealthy_threshold checks in a row
    minimum_healthy_percent,
    maximum_percent               of the desired count, that may run during a rollout
    spot_weight                   0: all on FARGATE. N: one task on FARGATE, of the others N on FARGATE_SPOT to 1 on FARGATE
  EOT

  type = object({
    port                          = optional(number, 5000)
    cpu                           = optional(number, 256)
    memory                        = optional(number, 512)
    architecture                  = optional(string, "X86_64")
    read_only_root_filesystem     = optional(bool, true)
    exec                          = optional(bool, true)
    health_check_path             = optional(string, "/readyz")
    environment                   = optional(map(string), {})
    secrets                       = optional(list(string), ["app-secret"])
    stop_timeout_seconds          = optional(number, 30)
    deregistration_delay_seconds  = optional(number, 5)
    health_check_interval_seconds = optional(number, 5)
    health_check_timeout_seconds  = optional(number, 2)
    healthy_threshold             = optional(number, 2)
    unhealthy_threshold           = optional(number, 2)
    health_check_grace_seconds    = optional(number, 30)
    minimum_healthy_percent       = optional(number, 100)
    maximum_percent               = optional(number, 200)
    spot_weight                   = optional(number, 0)
    scaling = optional(object({
      min            = optional(number, 1)
      max            = optional(number, 10)
      cpu_percent    = optional(number, 70)
      memory_percent = optional(number, 80)
    }), {})
  })

  validation {
    condition     = var.service.port >= 1024 && var.service.port <= 65535 && floor(var.service.port) == var.service.port
    error_message = "service.port is ${var.service.port}; it must be a whole number from 1024 to 65535."
  }

  validation {
    condition     = contains(keys(local.fargate_memory), tostring(var.service.cpu))
    error_message = "service.cpu is ${var.service.cpu}; Fargate offers 256, 512, 1024, 2048, 4096, 8192 and 16384 CPU units."
  }

  validation {
    condition     = contains(lookup(local.fargate_memory, tostring(var.service.cpu), [var.service.memory]), var.service.memory)
    error_message = "service.memory is ${var.service.memory}; with cpu ${var.service.cpu} Fargate offers ${join(", ", lookup(local.fargate_memory, tostring(var.service.cpu), []))} MiB."
  }

  validation {
    condition     = contains(["X86_64", "ARM64"], var.service.architecture)
    error_message = "service.architecture is \"${var.service.architecture}\"; it must be X86_64 or ARM64."
  }

  validation {
    condition     = can(regex("^/\\S*$", var.service.health_check_path)) && length(var.service.health_check_path) <= 1024
    error_message = "service.health_check_path is \"${var.service.health_check_path}\"; it must start with / and have at most 1024 characters and no space."
  }

  validation {
    condition     = alltrue([for name in keys(var.service.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "service.environment has ${jsonencode(keys(var.service.environment))}; a variable's name is letters, digits and underscores, and starts with no digit."
  }

  validation {
    condition     = length(setintersection(keys(var.service.environment), concat(["ENVIRONMENT", "PORT"], [for name in var.service.secrets : upper(replace(name, "-", "_"))]))) == 0
    error_message = "service.environment has ${jsonencode(keys(var.service.environment))}; ENVIRONMENT and PORT are set already, and so is the variable of each secret (${jsonencode(var.service.secrets)})."
  }

  validation {
    condition     = alltrue([for name in var.service.secrets : can(regex("^[a-z][a-z0-9-]{0,62}$", name))]) && length(distinct(var.service.secrets)) == length(var.service.secrets)
    error_message = "service.secrets is ${jsonencode(var.service.secrets)}; names must differ and be 1 to 63 lower-case letters, digits and hyphens, starting with a letter."
  }

  validation {
    condition     = var.service.scaling.min >= 1 && var.service.scaling.min <= var.service.scaling.max && var.service.scaling.max <= 1000 && alltrue([for count in [var.service.scaling.min, var.service.scaling.max] : floor(count) == count])
    error_message = "service.scaling goes from ${var.service.scaling.min} to ${var.service.scaling.max}; both must be whole numbers, 1 <= min <= max <= 1000."
  }

  validation {
    condition     = alltrue([for percent in [var.service.scaling.cpu_percent, var.service.scaling.memory_percent] : percent >= 10 && percent <= 95])
    error_message = "service.scaling.cpu_percent is ${var.service.scaling.cpu_percent} and memory_percent is ${var.service.scaling.memory_percent}; both must be from 10 to 95."
  }

  validation {
    condition     = var.service.stop_timeout_seconds >= 2 && var.service.stop_timeout_seconds <= 120
    error_message = "service.stop_timeout_seconds is ${var.service.stop_timeout_seconds}; Fargate allows 2 to 120."
  }

  validation {
    condition     = var.service.deregistration_delay_seconds >= 0 && var.service.deregistration_delay_seconds <= 3600
    error_message = "service.deregistration_delay_seconds is ${var.service.deregistration_delay_seconds}; a load balancer allows 0 to 3600."
  }

  validation {
    condition     = var.service.health_check_interval_seconds >= 5 && var.service.health_check_interval_seconds <= 300
    error_message = "service.health_check_interval_seconds is ${var.service.health_check_interval_seconds}; a load balancer allows 5 to 300."
  }

  validation {
    condition     = var.service.health_check_timeout_seconds >= 2 && var.service.health_check_timeout_seconds <= 120 && var.service.health_check_timeout_seconds < var.service.health_check_interval_seconds
    error_message = "service.health_check_timeout_seconds is ${var.service.health_check_timeout_seconds}; it must be 2 to 120 and less than the interval (${var.service.health_check_interval_seconds})."
  }

  validation {
    condition     = alltrue([for checks in [var.service.healthy_threshold, var.service.unhealthy_threshold] : checks >= 2 && checks <= 10])
    error_message = "service.healthy_threshold is ${var.service.healthy_threshold} and unhealthy_threshold is ${var.service.unhealthy_threshold}; a load balancer allows 2 to 10."
  }

  validation {
    condition     = var.service.health_check_grace_seconds >= 0 && var.service.health_check_grace_seconds <= 7200
    error_message = "service.health_check_grace_seconds is ${var.service.health_check_grace_seconds}; it must be 0 to 7200."
  }

  validation {
    condition     = var.service.maximum_percent > 100 && var.service.maximum_percent <= 200 && var.service.minimum_healthy_percent >= 0 && var.service.minimum_healthy_percent <= 100
    error_message = "service.minimum_healthy_percent is ${var.service.minimum_healthy_percent} and maximum_percent is ${var.service.maximum_percent}; they must be 0 to 100, and more than 100 (zones are balanced by starting first) up to 200."
  }

  validation {
    # ECS rounds the maximum down and the minimum up. 100 counts are enough: from there on one percent is a whole task.
    condition = alltrue([
      for count in range(var.service.scaling.min, min(var.service.scaling.max, 100) + 1) :
      floor(count * var.service.maximum_percent / 100) > ceil(count * var.service.minimum_healthy_percent / 100)
    ])
    error_message = "service.minimum_healthy_percent ${var.service.minimum_healthy_percent} and maximum_percent ${var.service.maximum_percent} leave no room to start or stop a task at some count from ${var.service.scaling.min} to ${var.service.scaling.max}: a rollout would never move. Raise maximum_percent."
  }

  validation {
    condition     = var.service.spot_weight >= 0 && var.service.spot_weight <= 1000 && floor(var.service.spot_weight) == var.service.spot_weight
    error_message = "service.spot_weight is ${var.service.spot_weight}; it must be a whole number from 0 to 1000."
  }
}
