# Inputs that must be refused before anything is planned, and the edges that must not be.

mock_provider "aws" {}

variables {
  project            = "devops-app"
  environment        = "test"
  application        = "app"
  owner              = "devops-team"
  region             = "us-east-1"
  availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  vpc_cidr           = "10.3.0.0/16"
  nat                = "single"
  image              = "123456789012.dkr.ecr.us-east-1.amazonaws.com/devops-app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  service            = {}
  secrets            = {}
}

run "words_that_are_wrong" {
  command = plan

  variables {
    project              = "Devops_App"
    application          = "my app"
    owner                = ""
    nat                  = "some"
    log_retention_days   = 31
    alarm_email          = "nobody"
    runbook_url          = "docs/runbook.md#top"
    certificate_arn      = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c"
    permissions_boundary = "devops-app-test-boundary"
    image                = "devops-app:latest"
  }

  expect_failures = [
    var.project,
    var.application,
    var.owner,
    var.nat,
    var.log_retention_days,
    var.alarm_email,
    var.runbook_url,
    var.certificate_arn,
    var.permissions_boundary,
    var.image,
  ]
}

run "reserved_project" {
  command = plan

  variables {
    project = "aws-shop"
  }

  expect_failures = [var.project]
}

run "name_too_long_once_composed" {
  command = plan

  variables {
    project = "a-rather-long-project-name"
  }

  expect_failures = [var.environment]
}

run "region_that_is_none" {
  command = plan

  variables {
    region = "us_east_1"
  }

  expect_failures = [var.region]
}

run "zone_of_another_region" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-west-2b"]
  }

  expect_failures = [var.availability_zones]
}

run "one_zone_and_a_small_network" {
  command = plan

  variables {
    availability_zones = ["us-east-1a"]
    vpc_cidr           = "10.3.0.0/20"
  }

  expect_failures = [var.availability_zones, var.vpc_cidr]
}

run "network_with_host_bits" {
  command = plan

  variables {
    vpc_cidr = "10.3.1.0/16"
  }

  expect_failures = [var.vpc_cidr]
}

run "network_of_somebody_else" {
  command = plan

  variables {
    vpc_cidr = "8.8.0.0/16"
  }

  expect_failures = [var.vpc_cidr]
}

run "memory_that_fargate_lacks" {
  command = plan

  variables {
    service = { cpu = 256, memory = 4096 }
  }

  expect_failures = [var.service]
}

run "cpu_that_fargate_lacks" {
  command = plan

  variables {
    service = { cpu = 300 }
  }

  expect_failures = [var.service]
}

run "more_min_than_max" {
  command = plan

  variables {
    service = { scaling = { min = 5, max = 4 } }
  }

  expect_failures = [var.service]
}

run "rollout_that_can_not_move" {
  command = plan

  variables {
    service = { maximum_percent = 150 }
  }

  expect_failures = [var.service]
}

run "timeout_longer_than_interval" {
  command = plan

  variables {
    service = { health_check_interval_seconds = 5, health_check_timeout_seconds = 5 }
  }

  expect_failures = [var.service]
}

run "secret_and_variable_of_one_name" {
  command = plan

  variables {
    service = { environment = { APP_SECRET = "x" }, secrets = ["app-secret"] }
  }

  expect_failures = [var.service]
}

run "reserved_variable" {
  command = plan

  variables {
    service = { environment = { PORT = "80" } }
  }

  expect_failures = [var.service]
}

run "secret_name_with_capitals" {
  command = plan

  variables {
    service = { secrets = ["AppSecret"] }
  }

  expect_failures = [var.service]
}

run "privileged_port" {
  command = plan

  variables {
    service = { port = 80 }
  }

  expect_failures = [var.service]
}
