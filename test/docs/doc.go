// Package docs holds that the pages in docs/ speak of files that are there.
package docs
