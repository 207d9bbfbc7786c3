// Package kinds takes every kind through its life on a real API server: created under one name,
// read and changed under the other, and gone under both.
package kinds
