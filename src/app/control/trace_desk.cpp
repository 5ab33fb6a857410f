#include "app/control/trace_desk.h"

#include <utility>

namespace postrider::app {

class TraceDesk::Listening final : public event::Operation {
  public:
    using Listeners = std::multimap<std::string, Listener>;

    Listening(Listeners& listeners, Listeners::iterator own) : listeners_(listeners), own_(own) {}
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() override { listeners_.erase(own_); }

  private:
    Listeners& listeners_;
    Listeners::iterator own_;
};

class TraceDesk::OfAccount final : public pop3::Transcript {
  public:
    OfAccount(const TraceDesk& desk, std::string account)
        : desk_(desk), account_(std::move(account)) {}

    [[nodiscard]] bool is_wanted() const override { return desk_.is_wanted(account_); }
    void client(std::string_view line) override {
        desk_.tell(account_, {Speaker::client, "", line});
    }
    void server(std::string_view line) override {
        desk_.tell(account_, {Speaker::server, "", line});
    }
    void note(std::string_view text) override { desk_.tell(account_, {Speaker::note, "", text}); }

  private:
    const TraceDesk& desk_;
    std::string account_;
};

std::unique_ptr<event::Operation> TraceDesk::listen(const std::string& account, Listener listener) {
    return std::make_unique<Listening>(listeners_,
                                       listeners_.emplace(account, std::move(listener)));
}

bool TraceDesk::is_wanted(const std::string& account) const {
    return !listeners_.empty() && listeners_.count(account) > 0;
}

void TraceDesk::client(const std::string& account, const std::string& destination,
                       std::string_view line) {
    tell(account, {Speaker::client, destination, line});
}

void TraceDesk::server(const std::string& account, const std::string& destination,
                       std::string_view line) {
    tell(account, {Speaker::server, destination, line});
}

void TraceDesk::tell(const std::string& account, const TracedLine& line) const {
    const auto [first, last] = listeners_.equal_range(account);
    for (auto one = first; one != last; ++one) {
        one->second(line);
    }
}

std::shared_ptr<pop3::Transcript> TraceDesk::transcript_of(const std::string& account) {
    return std::make_shared<OfAccount>(*this, account);
}

}  // namespace postrider::app
