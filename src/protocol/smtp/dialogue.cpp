#include "postrider/protocol/smtp/dialogue.h"

#include <utility>

#include "protocol/smtp/machine.h"

namespace postrider::smtp {

Dialogue::Dialogue(Settings settings) : machine_(std::make_unique<Machine>(std::move(settings))) {}

Dialogue::~Dialogue() = default;

Event Dialogue::next(std::string_view& input) {
    return machine_->next(input);
}

std::string Dialogue::take_output() {
    return machine_->take_output();
}

void Dialogue::key_derived(const Secret& key) {
    machine_->key_derived(key);
}

void Dialogue::tls_started() {
    machine_->tls_started();
}

void Dialogue::begin(Transaction transaction) {
    machine_->begin(std::move(transaction));
}

void Dialogue::send_content(std::string_view piece) {
    machine_->send_content(piece);
}

void Dialogue::end_content() {
    machine_->end_content();
}

void Dialogue::quit() {
    machine_->quit();
}

std::vector<RecipientResult> Dialogue::abandoned() {
    return machine_->abandoned();
}

Phase Dialogue::phase() const {
    return machine_->phase();
}

const Capabilities& Dialogue::capabilities() const {
    return machine_->capabilities();
}

}  // namespace postrider::smtp
