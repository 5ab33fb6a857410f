#pragma once

#include <memory>

#include "postrider/base/pattern.h"
#include "postrider/event/worker.h"
#include "postrider/mail/outgoing.h"
#include "postrider/sink/sink.h"

namespace postrider::sink {

struct MaildirSettings {
    Pattern path;  ///< places: mail::delivery_places(); absolute
    mail::LineEnds line_ends = mail::LineEnds::lf;
};

/// Maildirs as a MailSink. A message is written under tmp/ and made durable; commit() lets it
/// appear in new/, under a name made of its delivery id: a message that is there already, in new/
/// or in cur/, is not put there again. Recipients that come to the same path get one copy.
/// Directories are made on demand, with mode 0700. `worker` outlives the sink.
[[nodiscard]] std::unique_ptr<MailSink> make_maildir_sink(event::Worker& worker,
                                                          MaildirSettings settings);

}  // namespace postrider::sink
