#include "app/metrics/metrics_page.h"

#include <array>
#include <chrono>
#include <limits>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace postrider::app {

namespace {

using engine::Scheduler;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

/// The families of a page, in the order in which they were first named.
class Page {
  public:
    void gauge(const char* name, const char* help, const Labels& labels, double value) {
        metric(name, help, MetricType::Gauge, labels).gauge.value = value;
    }
    void counter(const char* name, const char* help, const Labels& labels, double value) {
        metric(name, help, MetricType::Counter, labels).counter.value = value;
    }
    void histogram(const char* name, const char* help, const Labels& labels,
                   const Histogram& figures) {
        ClientMetric::Histogram& into = metric(name, help, MetricType::Histogram, labels).histogram;
        for (std::size_t i = 0; i < figures.counts().size(); ++i) {
            into.sample_count += figures.counts().at(i);
            const double bound = i < Histogram::kBounds.size()
                                     ? Histogram::kBounds.at(i)
                                     : std::numeric_limits<double>::infinity();
            into.bucket.push_back({into.sample_count, bound});
        }
        into.sample_sum = figures.sum();
    }

    [[nodiscard]] std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return out.str();
    }

  private:
    ClientMetric& metric(const char* name, const char* help, MetricType type,
                         const Labels& labels) {
        const auto [place, is_new] = places_.try_emplace(name, families_.size());
        if (is_new) {
            families_.push_back({name, help, type, {}});
        }
        ClientMetric metric;
        metric.label = labels;
        return families_.at(place->second).metric.emplace_back(std::move(metric));
    }

    std::vector<MetricFamily> families_;
    std::map<std::string_view, std::size_t> places_;
};

Labels with(Labels labels, const char* name, std::string value) {
    labels.push_back({name, std::move(value)});
    return labels;
}

double seconds(WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

/// What is counted of one account, or of all together.
void add_tally(Page& page, const Tally& tally, const Labels& labels) {
    page.histogram("postrider_poll_duration_seconds", "How long polls took.", labels, tally.took);
    const auto polls = [&](const char* result, std::uint64_t count) {
        page.counter("postrider_polls_total", "Polls that have ended, by how.",
                     with(labels, "result", result), number(count));
    };
    polls("good", tally.polls - tally.failed);
    polls("failed", tally.failed);
    const auto messages = [&](const char* fate, std::uint64_t count) {
        page.counter("postrider_messages_total", "Messages, by what became of them.",
                     with(labels, "fate", fate), number(count));
    };
    messages("delivered", tally.delivered);
    messages("held", tally.held);
    messages("put_off", tally.put_off);
    messages("removed", tally.removed);
    page.counter("postrider_received_bytes_total", "Bytes of messages received.", labels,
                 number(tally.octets));
    for (const auto& [code, count] : tally.errors) {
        page.counter("postrider_errors_total", "Polls that have failed, by why.",
                     with(labels, "class", std::string(to_text(code))), number(count));
    }
    page.gauge("postrider_backlog_messages",
               "Messages known to be on the server and not yet fetched.", labels,
               static_cast<double>(tally.backlog));
}

void add_account(Page& page, const Roster& roster, const Roster::Member& member) {
    const Tally& tally = member.keeper->tally();
    const Labels labels{{"account", member.keeper->account().name}};
    add_tally(page, tally, labels);
    page.gauge("postrider_account_up", "1 if the last poll went well.", labels,
               tally.polls > 0 && !tally.trouble ? 1 : 0);
    page.gauge("postrider_account_needs_attention", "1 if a person must look at this account.",
               labels, roster.view(member).needs_attention ? 1 : 0);
    if (tally.last_success) {
        page.gauge("postrider_account_last_success_timestamp_seconds",
                   "When the last poll that went well ended.", labels,
                   seconds(*tally.last_success));
    }
}

void add_accounts(Page& page, const Roster& roster, config::MetricsOf accounts) {
    struct Count {
        const char* state;
        std::size_t accounts = 0;
    };
    std::array<Count, 5> states{{{"waiting"}, {"asleep"}, {"due"}, {"polling"}, {"paused"}}};
    std::size_t troubled = 0;
    std::size_t attention = 0;
    Tally all = roster.departed();
    const bool is_each =
        accounts == config::MetricsOf::each || (accounts == config::MetricsOf::automatic &&
                                                roster.members().size() <= kMaxAccountsOfTheirOwn);
    for (const auto& [name, member] : roster.members()) {
        const Scheduler::View view = roster.view(member);
        ++states.at(static_cast<std::size_t>(view.state)).accounts;
        troubled += member.keeper->tally().trouble ? 1U : 0U;
        attention += view.needs_attention ? 1U : 0U;
        if (is_each) {
            add_account(page, roster, member);
        } else {
            all.add(member.keeper->tally());
        }
    }
    if (!is_each) {
        add_tally(page, all, {});
    }
    for (const Count& count : states) {
        page.gauge("postrider_accounts", "Accounts, by what they do now.", {{"state", count.state}},
                   static_cast<double>(count.accounts));
    }
    page.gauge("postrider_accounts_in_trouble", "Accounts whose last poll failed.", {},
               static_cast<double>(troubled));
    page.gauge("postrider_accounts_needing_attention", "Accounts that a person must look at.", {},
               static_cast<double>(attention));
}

void add_destination(Page& page, const Outlet& outlet, const Clock& clock) {
    const engine::Destination& destination = outlet.destination;
    const Labels labels{{"destination", destination.name()}};
    const bool is_closed = destination.closed(clock.now).has_value();
    const bool is_stopped = is_closed && !destination.opens_at();
    page.gauge("postrider_destination_up", "1 if mail is handed to this destination.", labels,
               is_closed ? 0 : 1);
    page.gauge("postrider_destination_stopped",
               "1 if it takes nothing before a person has changed something.", labels,
               is_stopped ? 1 : 0);
    const DeliveryFigures& figures = outlet.sink.figures();
    page.histogram("postrider_delivery_duration_seconds",
                   "From when a message might be completed to the destination's answer.", labels,
                   figures.took);
    const auto answers = [&](const char* answer, std::uint64_t count) {
        page.counter("postrider_deliveries_total",
                     "Recipients of messages, by the destination's answer.",
                     with(labels, "answer", answer), number(count));
    };
    answers("accepted", figures.accepted);
    answers("later", figures.put_off);
    answers("refused", figures.refused);
    page.counter("postrider_destination_faults_total",
                 "Deliveries that failed for another reason than their message.", labels,
                 number(figures.faults));
}

void add_process(Page& page, const MetricsGround& ground) {
    const DaemonFacts& facts = ground.facts;
    page.gauge("postrider_build_info", "1, with the version as label.",
               {{"version", POSTRIDER_VERSION}}, 1);
    page.gauge("postrider_loop_lag_seconds", "How late the event loop was lately.", {},
               std::chrono::duration<double>(facts.loop_lag).count());
    page.gauge("postrider_open_connections", "Connections to servers of any kind.", {},
               static_cast<double>(facts.connections));
    page.gauge("postrider_in_flight_bytes", "Bytes of messages that are held in memory.", {},
               number(facts.memory_in_flight));
    page.gauge("postrider_held_messages", "Copies of refused messages that are held.", {},
               static_cast<double>(facts.held_copies));
    page.histogram("postrider_ledger_commit_seconds",
                   "How long the ledger took to record something.", {}, ground.ledger.commits);
    page.histogram("postrider_ledger_sync_seconds",
                   "How long the ledger took to make durable what it recorded.", {},
                   ground.ledger.syncs);
    page.counter("postrider_ledger_failures_total", "Times that the ledger could not be written.",
                 {}, number(ground.ledger.failures));
    page.gauge("postrider_config_last_reload_successful",
               "0 if the configuration could not be read anew; the one before it is in force.", {},
               facts.is_reload_good ? 1 : 0);
    page.gauge("postrider_config_last_reload_success_timestamp_seconds",
               "When the configuration in force was read.", {}, seconds(facts.configured));
    const ProcessFigures& process = ground.process;
    page.gauge("process_start_time_seconds", "When this process was started.", {},
               seconds(facts.started));
    page.counter("process_cpu_seconds_total", "CPU time of this process.", {}, process.cpu_seconds);
    page.gauge("process_resident_memory_bytes", "Resident memory of this process.", {},
               number(process.resident_octets));
    page.gauge("process_open_fds", "Open file descriptors.", {}, number(process.open_files));
    page.gauge("process_max_fds", "How many file descriptors may be open.", {},
               number(process.max_files));
    page.gauge("process_threads", "Threads of this process.", {}, number(process.threads));
}

}  // namespace

std::string metrics_page(const MetricsGround& ground, config::MetricsOf accounts) {
    Page page;
    add_accounts(page, ground.roster, accounts);
    for (const auto& [name, outlet] : ground.outlets) {
        add_destination(page, *outlet, ground.clock);
    }
    add_process(page, ground);
    return page.text();
}

}  // namespace postrider::app
