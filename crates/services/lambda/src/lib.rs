//! hearth-service-lambda
