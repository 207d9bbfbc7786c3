// Package crd holds the generated custom resource definitions to their promises: an API
// server accepts them, they stay small enough for etcd, and they serve what upstream serves.
package crd
