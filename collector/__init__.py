"""Program 1: asks publishers, keeps what they answered byte for byte, and is the only writer of readings."""
