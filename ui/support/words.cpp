// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/words.h"

#include <QCoreApplication>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("words", source); }

} // namespace

QString roleWord(Role role)
{
    switch (role) {
    case Role::Admin:
        return tr("admin");
    case Role::Operator:
        return tr("operator");
    case Role::User:
        return tr("user");
    case Role::Anonymous:
        break;
    }
    return tr("anonymous");
}

QString categoryWord(Category category)
{
    switch (category) {
    case Category::Default:
        return tr("pages");
    case Category::Api:
        return tr("API");
    case Category::Auth:
        return tr("sign-in");
    case Category::Upload:
        return tr("uploads");
    case Category::Analysis:
        return tr("analyses");
    case Category::Automation:
        return tr("automation");
    case Category::Admin:
        return tr("administration");
    case Category::Unlimited:
        break;
    }
    return tr("unlimited");
}

QString placeWord(TaskPlace place)
{
    switch (place) {
    case TaskPlace::Waiting:
        return tr("waiting");
    case TaskPlace::Scheduled:
        return tr("scheduled");
    case TaskPlace::Reserved:
        return tr("prefetched");
    case TaskPlace::Running:
        return tr("running");
    case TaskPlace::Ended:
        return tr("ended");
    }
    return {};
}

QString outcomeWord(const TaskInfo &task)
{
    if (task.state == "SUCCESS")
        return tr("✓ succeeded");
    if (task.state == "FAILURE")
        return tr("■ failed");
    if (task.state == "REVOKED")
        return tr("✕ revoked");
    if (task.state == "EXPIRED")
        return tr("✕ expired");
    if (task.state == "REJECTED" || task.state == "IGNORED")
        return tr("✕ rejected");
    if (task.state == "RETRY")
        return tr("↻ tried again");
    return task.place == TaskPlace::Ended ? QString::fromStdString(task.state) : QStringLiteral("–");
}

} // namespace portolan::ui
