//! hearth-service-sts
