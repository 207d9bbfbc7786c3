// Package env computes the environment of a container.
//
// Values, references to the pod's fields and to resources, ConfigMaps and Secrets by key and as a whole, files of volumes by key, the variables about
// services, and $(NAME) expansion, with upstream's order and messages. It is pure but for what Input reads by (Source, by which ConfigMaps
// and Secrets are read, and Open); an error means that the container cannot be started now (CreateContainerConfigError).
package env
