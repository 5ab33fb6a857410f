#include "postrider/app/main.h"

int main(int argc, char** argv) {
    return postrider::app::run(argc, argv);
}
