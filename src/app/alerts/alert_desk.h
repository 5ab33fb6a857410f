#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "postrider/base/log.h"
#include "postrider/config/config.h"
#include "postrider/config/environment.h"
#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

#include "app/alerts/alarm.h"
#include "app/assembly/outlet.h"
#include "app/daemon/roster.h"

namespace postrider::app {

/// Looks at accounts and destinations every now and then, and tells a program or a web server of
/// trouble that lasts and of its end.
class AlertDesk {
  public:
    /// What it looks at and works with; outlives it.
    struct Ground {
        event::Loop& loop;
        event::Worker& worker;
        Log& log;
        const Roster& roster;
        const std::map<std::string, std::shared_ptr<Outlet>>& outlets;
        const config::Environment& environment;
        std::string host;
    };

    AlertDesk(Ground ground, config::Alerts alerts);
    AlertDesk(const AlertDesk&) = delete;
    AlertDesk& operator=(const AlertDesk&) = delete;
    ~AlertDesk();

    void change(config::Alerts alerts);

  private:
    void look();
    void look_at_all();
    void send(const Alert& alert);

    Ground ground_;
    config::Alerts alerts_;
    Alarm alarm_;
    std::set<Subject> seen_;  ///< at the last look: those in trouble
    std::string last_failure_;
    std::map<Subject, std::unique_ptr<event::Operation>> sending_;
    std::unique_ptr<event::Timer> tick_;
};

}  // namespace postrider::app
