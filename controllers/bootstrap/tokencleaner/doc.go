// Package tokencleaner deletes bootstrap tokens that have expired. It is kube-controller-manager's token-cleaner-controller, and like
// that it runs only where it is named: --controllers=*,token-cleaner-controller.
//
// It watches Secrets of the type bootstrap.kubernetes.io/token in the namespace kube-system, and owns nothing of theirs.
//
// # What it promises
//
//   - A token goes when the time in its key expiration is over, or cannot be read. One without that key stays.
//   - One that was prolonged in the last moment stays: the deletion is good for the token as it was seen only.
//   - It sees no other Secret, in that namespace or elsewhere.
package tokencleaner
