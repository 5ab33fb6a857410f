#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "postrider/base/log.h"
#include "postrider/base/pattern.h"
#include "postrider/base/time.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"
#include "postrider/mail/outgoing.h"
#include "postrider/sink/sink.h"

namespace postrider::sink {

struct CommandSettings {
    std::string name;                      ///< of the destination, for the log
    std::vector<Pattern> argv;             ///< the first without places: the program
    std::vector<std::string> environment;  ///< "NAME=value": what it gets besides our own
    std::size_t processes = 4;             ///< at the same time, for all accounts together
    Duration timeout = std::chrono::minutes(5);
    mail::LineEnds line_ends = mail::LineEnds::lf;
};

/// A program as a MailSink: it is run for each message (for each recipient, if an argument names
/// one), never through a shell, and gets the message on its standard input, whose end waits for
/// commit(). Its exit status decides (command_verdict.h); the first lines that it writes to its
/// standard error go to the log. Our own variables: POSTRIDER_ACCOUNT, POSTRIDER_ID, SENDER,
/// RECIPIENT (one a line if they are several). What it refers to outlives the sink.
[[nodiscard]] std::unique_ptr<MailSink> make_command_sink(event::Loop& loop, event::Worker& worker,
                                                          Log& log, CommandSettings settings);

}  // namespace postrider::sink
