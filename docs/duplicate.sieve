# Drops the rare second copy of a message (RFC 7352; Dovecot's Pigeonhole).
#
# When postrider or the connection ends after the mail server has taken a message and before that is
# on postrider's disk, the message is delivered once more. Every delivery of a message bears the same
# X-Postrider-Id, which nobody else can compute. Put this where your other scripts cannot be reached
# before it: in sieve_before, or on top of each of them.
require ["duplicate"];

if duplicate :handle "postrider" :header "X-Postrider-Id" :seconds 1209600 {
    discard;
    stop;
}
