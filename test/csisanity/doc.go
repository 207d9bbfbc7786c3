// Package csisanity runs the tests that csi-test has for CSI drivers, csi-sanity, with ours. It has tests only.
package csisanity
