// Package sightings tells since when something has been seen to be so, by our own clock.
//
// Clocks of machines differ, and some facts carry no time at all. So a heartbeat counts from when it was seen to change,
// and the absence of a node from when it was first missed. A restart forgets all of it, and thereby gives everybody
// the full time again, which is what should happen after nobody watched for a while.
package sightings
