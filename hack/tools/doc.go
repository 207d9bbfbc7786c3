// Package tools pins developer tools whose requirements should not become the main module's.
package tools
