// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/action_words.h"

#include "ui/support/format.h"

#include <QCoreApplication>

namespace portolan::ui {

namespace {

struct Question
{
    const char *title; ///< %n: the preview's count, %1: `subject`
    const char *verb;
    QString subject = {};
};

Question questionOf(const CloseClients &)
{
    return {QT_TRANSLATE_NOOP("actions", "Close connections?"), QT_TRANSLATE_NOOP("actions", "Disconnect them")};
}

Question questionOf(const CleanUpFamily &action)
{
    return {QT_TRANSLATE_NOOP("actions", "Clean up %1?"), QT_TRANSLATE_NOOP("actions", "Delete keys"),
            text(action.family)};
}

Question questionOf(const ResizeWorker &action)
{
    if (action.concurrency == 0)
        return {QT_TRANSLATE_NOOP("actions", "Stop all work of the worker?"),
                QT_TRANSLATE_NOOP("actions", "Stop its work")};
    return {QT_TRANSLATE_NOOP("actions", "Resize the worker?"), QT_TRANSLATE_NOOP("actions", "Resize the worker")};
}

Question questionOf(const RevokeTasks &action)
{
    if (action.ids.size() == 1)
        return {QT_TRANSLATE_NOOP("actions", "Revoke the task?"), QT_TRANSLATE_NOOP("actions", "Revoke the task")};
    return {QT_TRANSLATE_NOOP("actions", "Revoke the tasks?"), QT_TRANSLATE_NOOP("actions", "Revoke the tasks")};
}

Question questionOf(const RerunTasks &action)
{
    return {action.ids.size() == 1 ? QT_TRANSLATE_NOOP("actions", "Run the task again?")
                                   : QT_TRANSLATE_NOOP("actions", "Run the tasks again?"),
            QT_TRANSLATE_NOOP("actions", "Run again")};
}

Question questionOf(const CreateUser &)
{
    return {QT_TRANSLATE_NOOP("actions", "Create the account?"), QT_TRANSLATE_NOOP("actions", "Create the account")};
}

Question questionOf(const ChangeUser &action)
{
    if (!action.disabled)
        return {QT_TRANSLATE_NOOP("actions", "Change the role?"), QT_TRANSLATE_NOOP("actions", "Change the role")};
    if (*action.disabled)
        return {QT_TRANSLATE_NOOP("actions", "Disable the account?"),
                QT_TRANSLATE_NOOP("actions", "Disable the account")};
    return {QT_TRANSLATE_NOOP("actions", "Enable the account?"), QT_TRANSLATE_NOOP("actions", "Enable the account")};
}

Question questionOf(const ResetPassword &)
{
    return {QT_TRANSLATE_NOOP("actions", "Reset the password?"), QT_TRANSLATE_NOOP("actions", "Reset the password")};
}

Question questionOf(const SignOutUser &)
{
    return {QT_TRANSLATE_NOOP("actions", "Sign the user out?"), QT_TRANSLATE_NOOP("actions", "Sign the user out")};
}

Question questionOf(const DeleteUser &)
{
    return {QT_TRANSLATE_NOOP("actions", "Delete the account?"), QT_TRANSLATE_NOOP("actions", "Delete the account")};
}

Question questionOf(const RevokeToken &)
{
    return {QT_TRANSLATE_NOOP("actions", "Revoke the token?"), QT_TRANSLATE_NOOP("actions", "Revoke the token")};
}

Question questionOf(const StartStack &)
{
    return {QT_TRANSLATE_NOOP("actions", "Start the portal?"), QT_TRANSLATE_NOOP("actions", "Start the portal")};
}

Question questionOf(const StopStack &)
{
    return {QT_TRANSLATE_NOOP("actions", "Stop the portal?"), QT_TRANSLATE_NOOP("actions", "Stop the portal")};
}

Question questionOf(const RestartStack &)
{
    return {QT_TRANSLATE_NOOP("actions", "Restart the portal?"), QT_TRANSLATE_NOOP("actions", "Restart the portal")};
}

Question questionOf(const ResetStack &)
{
    return {QT_TRANSLATE_NOOP("actions", "Reset the portal?"), QT_TRANSLATE_NOOP("actions", "Delete and start again")};
}

Question questionOf(const SeedStack &command)
{
    return {command.privileged ? QT_TRANSLATE_NOOP("actions", "Add made-up users, an admin among them?")
                               : QT_TRANSLATE_NOOP("actions", "Add made-up users?"),
            QT_TRANSLATE_NOOP("actions", "Add the users")};
}

Question questionOf(const UnseedStack &)
{
    return {QT_TRANSLATE_NOOP("actions", "Delete the made-up users?"),
            QT_TRANSLATE_NOOP("actions", "Delete the made-up users")};
}

Question questionOf(const MendStack &command)
{
    if (command.empty)
        return {QT_TRANSLATE_NOOP("actions", "Start the portal without what is damaged?"),
                QT_TRANSLATE_NOOP("actions", "Keep a copy and start empty")};
    return {QT_TRANSLATE_NOOP("actions", "Mend what is damaged?"),
            QT_TRANSLATE_NOOP("actions", "Keep a copy, mend and start")};
}

template <class What> Question asked(const What &what)
{
    return std::visit([](const auto &one) { return questionOf(one); }, what);
}

QString titleOf(const Question &question, const ActionPreview &preview)
{
    const QString title =
        QCoreApplication::translate("actions", question.title, nullptr, int(preview.count.value_or(0)));
    return question.subject.isEmpty() ? title : title.arg(question.subject);
}

QString verbOf(const Question &question) { return QCoreApplication::translate("actions", question.verb); }

} // namespace

QString titleOf(const Action &action, const ActionPreview &preview) { return titleOf(asked(action), preview); }

QString titleOf(const StackCommand &command, const ActionPreview &preview) { return titleOf(asked(command), preview); }

QString verbOf(const Action &action) { return verbOf(asked(action)); }

QString verbOf(const StackCommand &command) { return verbOf(asked(command)); }

} // namespace portolan::ui
