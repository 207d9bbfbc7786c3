// Package objects reads what pods refer to: ConfigMaps, Secrets, RuntimeClasses, and tokens of service accounts.
//
// A node may read only the objects that its own pods name, one by one, so there is no watch: each is read when it is needed and
// kept for a while. What is kept is at most TTL old; an immutable object is kept for as long as it is asked for.
package objects
