// Package realsound holds the tests that hear: real and synthesised sound through the real decoder,
// the real model in its own process, and detection. They say what the default operating point does.
package realsound
