// Package config holds config/, examples/ and PROJECT to what the code says: kustomize builds
// every folder, samples name every field rightly, and lists of kinds are complete.
package config
