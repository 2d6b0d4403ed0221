//! hearth-service-iam
