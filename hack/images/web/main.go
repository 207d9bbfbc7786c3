// Command web is the demo application: a web server that says which pod answered, and, since its image holds no other program,
// a few small commands for whoever steps into the container with exec.
//
//	web [serve]      serve HTTP on $PORT (8080): the pod's name, address and the request; /env, /healthz and /slow
//	web ls [DIR]     list a directory
//	web cat FILE...  print files
//	web env          print the environment
//	web ps           list the processes that share the container's process namespace
//	web kill PID     send SIGTERM to a process: 1 is the server
//	web ip           print the addresses of the pod
//	web wget URL     print what a URL answers; the exit code says whether it answered 2xx
//	web lookup NAME  resolve a name
//	web sleep SECS   wait, until SIGTERM
package main

import (
	"fmt"
	"os"
)

// commands is the whole command line: a name and what it does with the arguments after it.
var commands = map[string]func(args []string) error{
	"serve":  serve,
	"ls":     list,
	"cat":    cat,
	"env":    env,
	"ps":     processes,
	"kill":   kill,
	"ip":     addresses,
	"wget":   wget,
	"lookup": lookup,
	"sleep":  sleep,
}

func main() {
	name, args := "serve", os.Args[1:]
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	run, ok := commands[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "web: no command %q; there are serve, ls, cat, env, ps, kill, ip, wget, lookup and sleep\n", name)
		os.Exit(2)
	}
	if err := run(args); err != nil {
		fmt.Fprintf(os.Stderr, "web %s: %v\n", name, err)
		os.Exit(1)
	}
}
