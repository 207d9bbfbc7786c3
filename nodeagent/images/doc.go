// Package images makes container images out of single static programs, and loads image archives into a node's container
// runtime. With it a node has images where there is no registry.
//
// It promises that an archive is an OCI image layout in a tar file, which docker loads too, that the same program gives the same bytes and digest, and
// that an image which Load returned is known to the kubelet-facing image service (CRI) under its full name, and pinned: it stays when
// disk space runs short.
//
// It never fetches anything from a network, and never removes an image.
package images
